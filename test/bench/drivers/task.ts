// What every driver is told.

import { performance } from 'node:perf_hooks';
import type { WireName } from '../wires/index.js';

/** The server under test, for drivers that speak its wire themselves. */
export interface ServerAddress {
  readonly pid: number;
  readonly port: number;
  readonly wire: WireName;
}

/** How long something is done: for the seconds, and for the least of messages, but never for more than the most. */
export interface Stretch {
  readonly seconds: number;
  readonly least: number;
  readonly most: number;
}

/** First a warm-up: programs that compile themselves while they run are compared when they have done so. */
export interface Duration {
  readonly warmUp: Stretch;
  readonly measured: Stretch;
}

// A warm-up ends after so many times its seconds, however few messages it was.
const PATIENCE = 8;

/** @param since - when it began, by `performance.now`. */
export function isOver({ seconds, least, most }: Stretch, since: number, messages: number): boolean {
  if (messages >= most) return true;
  const elapsed = (performance.now() - since) / 1000;
  return elapsed >= seconds && (messages >= least || elapsed >= seconds * PATIENCE);
}
