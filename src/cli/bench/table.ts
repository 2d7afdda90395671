// What came of it, as lines for a person.

import type { TrialResult } from './run.js';

const COLUMNS: readonly (readonly [title: string, width: number])[] = [
  ['workload', -8],
  ['bytes', 7],
  ['conns', 6],
  ['messages/s', 11],
  ['deliveries/s', 13],
  ['MB/s', 7],
  ['at rate', 9],
  ['p50 ms', 8],
  ['p99', 7],
  ['p99.9', 7],
  ['max', 7],
];

export const HEADING = line(COLUMNS.map(([title]) => title));

export function rowOf({ workload, payload, connections, flood, steady }: TrialResult): string {
  const calls = workload === 'rpc';
  return line([
    workload,
    String(payload),
    String(connections),
    flood === undefined ? '' : count(flood.perSecond),
    flood === undefined || calls ? '' : count(flood.deliveriesPerSecond),
    flood === undefined ? '' : digits(flood.megabytesPerSecond),
    count(steady.rate),
    ...[steady.p50, steady.p99, steady.p999, steady.max].map(digits),
  ]);
}

/** Whether so much less than the rate went through that the latencies are those of a queue. */
export function fellBehind({ steady: { rate, achieved } }: TrialResult): boolean {
  return achieved < rate * 0.9;
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => {
      const width = COLUMNS[i]?.[1] ?? 0;
      return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
    })
    .join('');
}

function count(value: number): string {
  if (value >= 999_500) return `${digits(value / 1e6)}M`;
  return value >= 9_995 ? `${digits(value / 1e3)}k` : value.toFixed(0);
}

function digits(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3);
}
