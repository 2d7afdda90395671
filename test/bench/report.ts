// Tables and JSON of what was measured.

import { cpus } from 'node:os';
import type { Options } from './options.js';
import type { Result } from './results.js';
import { ratioOf, spreadOf } from './results.js';
import type { Workload } from './workloads/index.js';

/** Three digits that mean something: 5.42M, 215k, 0.76. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value >= 999_500) return `${digits(value / 1e6)}M`;
  if (value >= 9_995) return `${digits(value / 1e3)}k`;
  return digits(value);
}

function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function tables(options: Options, results: readonly Result[]): string {
  return options.workloads.map((workload) => table(options, workload, results)).join('\n');
}

function table(options: Options, workload: Workload, results: readonly Result[]): string {
  const { bases } = options;
  const several = options.rounds > 1;
  const heading = [
    '',
    ...workload.figures.flatMap(({ title }) => [
      title,
      ...(several ? ['min - max'] : []),
      ...bases.map((base) => `/${base}`),
    ]),
  ];
  const rows = [heading];
  const remarks: string[] = [];
  for (const { name } of options.servers) {
    const own = results.filter((result) => result.workload === workload.name && result.server === name);
    const failure = own.find((result) => result.failure !== undefined);
    if (failure !== undefined) remarks.push(`  ${name}, round ${failure.round}: ${failure.failure}`);
    if (!own.some((result) => result.figures !== undefined)) continue;
    const row = [name];
    for (const { key } of workload.figures) {
      const spread = spreadOf(results, workload.name, name, key);
      row.push(spread === undefined ? '-' : short(spread.median));
      if (several) row.push(spread === undefined ? '' : `${short(spread.least)} - ${short(spread.most)}`);
      for (const base of bases) {
        const ratio = base === name ? undefined : ratioOf(results, workload.name, name, base, key);
        row.push(ratio === undefined ? '' : `${short(ratio)}x`);
      }
    }
    rows.push(row);
  }
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [`${workload.name}: ${workload.about}`, ...(rows.length > 1 ? lines : []), ...remarks, ''].join('\n');
}

export function json(options: Options, results: readonly Result[]): string {
  const processors = cpus();
  const summary = options.workloads.flatMap((workload) =>
    options.servers.flatMap(({ name }) =>
      workload.figures.map(({ key, title }) => ({
        workload: workload.name,
        server: name,
        figure: key,
        title,
        ...spreadOf(results, workload.name, name, key),
        ratios: Object.fromEntries(
          options.bases.map((base) => [base, ratioOf(results, workload.name, name, base, key)]),
        ),
      })),
    ),
  );
  return JSON.stringify(
    {
      machine: { processors: processors.length, model: processors[0]?.model, node: process.version },
      rounds: options.rounds,
      scale: options.scale,
      smoke: options.smoke,
      summary,
      results,
    },
    null,
    2,
  );
}
