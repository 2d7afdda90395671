// What was measured, and what it comes to.

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

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (upper + lower) / 2;
}

/** All rounds of one figure; `undefined` when there are none. */
export function spreadOf(
  results: readonly Result[],
  workload: string,
  server: string,
  key: string,
): Spread | undefined {
  const values = roundsOf(results, workload, server, key).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** How many times the base's figure it is: the median of the rounds that both have. */
export function ratioOf(
  results: readonly Result[],
  workload: string,
  server: string,
  base: string,
  key: string,
): number | undefined {
  const own = roundsOf(results, workload, server, key);
  const other = roundsOf(results, workload, base, key);
  const ratios: number[] = [];
  for (const [round, value] of own.entries()) {
    const divisor = other[round];
    if (value !== undefined && divisor !== undefined && divisor > 0) ratios.push(value / divisor);
  }
  return ratios.length === 0 ? undefined : median(ratios);
}

function roundsOf(results: readonly Result[], workload: string, server: string, key: string): (number | undefined)[] {
  const values: (number | undefined)[] = [];
  for (const result of results) {
    if (result.workload === workload && result.server === server) values[result.round] = result.figures?.[key];
  }
  return values;
}
