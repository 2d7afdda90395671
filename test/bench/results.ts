// What was measured, and what it comes to.

import type { Spread } from './spread.js';
import { spreadOfRounds } from './spread.js';
import type { Figures } from './workloads/index.js';

export interface Result {
  readonly workload: string;
  readonly server: string;
  /** From 1. */
  readonly round: number;
  readonly figures?: Figures;
  /** Instead of figures. */
  readonly failure?: string;
}

/** All rounds of one figure; `undefined` when there are none. */
export function spreadOf(
  results: readonly Result[],
  workload: string,
  server: string,
  key: string,
): Spread | undefined {
  return spreadOfRounds(roundsOf(results, workload, server, key).filter((value) => value !== undefined));
}

/** How many times the base's figure it is, in the rounds that both have. */
export function ratioOf(
  results: readonly Result[],
  workload: string,
  server: string,
  base: string,
  key: string,
): Spread | undefined {
  const own = roundsOf(results, workload, server, key);
  const other = roundsOf(results, workload, base, key);
  const ratios: number[] = [];
  for (const [round, value] of own.entries()) {
    const divisor = other[round];
    if (value !== undefined && divisor !== undefined && divisor > 0) ratios.push(value / divisor);
  }
  return spreadOfRounds(ratios);
}

/** A figure by round. */
export function roundsOf(
  results: readonly Result[],
  workload: string,
  server: string,
  key: string,
): (number | undefined)[] {
  const values: (number | undefined)[] = [];
  for (const result of results) {
    if (result.workload === workload && result.server === server) values[result.round] = result.figures?.[key];
  }
  return values;
}
