// What every driver is told.

import type { WireName } from '../wires/index.js';

/** The server under test, for drivers that speak its wire themselves. */
export interface ServerAddress {
  readonly pid: number;
  readonly port: number;
  readonly wire: WireName;
}

/** How long to warm up and to measure, and how many messages end each of the two before its time. */
export interface Duration {
  readonly warmSeconds: number;
  readonly seconds: number;
  readonly mostMessages: number;
}
