// Tables and JSON of what was measured.

import { cpus, loadavg } from 'node:os';
import type { Options } from './options.js';
import type { Result } from './results.js';
import { ratioOf, spreadOf } from './results.js';
import type { Spread } from './spread.js';
import { outcomes } from './targets.js';
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

/** `1.2x`, or `1.2x (1.1-1.5)` of several rounds. */
function times({ median, least, most }: Spread, several: boolean): string {
  return `${short(median)}x${several ? ` (${short(least)}-${short(most)})` : ''}`;
}

export function tables(options: Options, results: readonly Result[]): string {
  // With --table only what the targets need was run.
  const run = options.workloads.filter(({ name }) => results.some(({ workload }) => workload === name));
  return run.map((workload) => table(options, workload, results)).join('\n');
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
        row.push(ratio === undefined ? '' : times(ratio, several));
      }
    }
    rows.push(row);
  }
  const lines = aligned(rows).map((line) => line.trimEnd());
  return [`${workload.name}: ${workload.about}`, ...(rows.length > 1 ? lines : []), ...remarks, ''].join('\n');
}

/** The targets: what was asked for, what came of it, and whether that is enough. In Markdown, as docs/performance.md has it. */
export function targetTable(results: readonly Result[]): string {
  const rows = [['', 'codec', 'target', 'figure', 'min - max', '']];
  for (const { target, spread, met } of outcomes(results)) {
    const { row, server, most, least, unit } = target;
    rows.push([
      row,
      server === 'spoke-msgpack' ? 'msgpack' : 'JSON',
      `${most === undefined ? '>=' : '<='} ${bound(most ?? least ?? NaN)} ${unit}`,
      spread === undefined ? '-' : short(spread.median),
      spread === undefined ? '' : `${short(spread.least)} - ${short(spread.most)}`,
      spread === undefined ? 'not measured' : met ? 'met' : 'MISSED',
    ]);
  }
  const [heading = '', ...lines] = aligned(rows, ' | ').map((line) => `| ${line} |`);
  const rule = heading.replaceAll(/[^|]/g, '-');
  return `${[heading, rule, ...lines].join('\n')}\n\nMedians over the rounds; ratios are within a round.\n`;
}

/** The first column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[], between = '  '): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(between),
  );
}

function bound(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
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
          options.bases.map((base) => [base, ratioOf(results, workload.name, name, base, key)?.median]),
        ),
      })),
    ),
  );
  return JSON.stringify(
    {
      machine: {
        processors: processors.length,
        model: processors[0]?.model,
        node: process.version,
        load: loadavg()[0],
      },
      rounds: options.rounds,
      scale: options.scale,
      smoke: options.smoke,
      summary,
      targets: outcomes(results),
      results,
    },
    null,
    2,
  );
}
