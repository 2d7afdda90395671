// The command: says what it is going to do, does it, and prints what came of it.

import { mkdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import type { Step } from './bench.js';
import { estimate, INTERRUPTED, perform, plan, profileName } from './bench.js';
import type { Options } from './options.js';
import { help, readOptions, UsageError } from './options.js';
import { canMeasure } from './processor-time.js';
import { hottest } from './profile.js';
import { json, tables, targetTable } from './report.js';
import type { Result } from './results.js';

const HOTTEST = 20;

const say = (text: string) => process.stderr.write(`${text}\n`);
const progress = (text: string) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
};

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const asked = readOptions(args);
  if (asked === undefined) {
    console.log(help());
    return 0;
  }
  if (!canMeasure())
    throw new UsageError('there is no /proc here, so the processor time of servers is unknown: Linux only');
  const options = await withoutMissing(asked);
  const steps = plan(options);
  if (steps.length === 0) throw new UsageError('nothing left to run');
  // Before anybody can know that it has begun, and interrupt it.
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort());
  announce(options, steps);
  if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });

  const results: Result[] = [];
  for (const [i, step] of steps.entries()) {
    if (abort.signal.aborted) break;
    progress(`[${i + 1}/${steps.length}] round ${step.round}: ${step.workload.name}, ${step.kind.name} `);
    results.push(await perform(step, options, abort.signal));
  }
  progress('');
  const finished = results.filter(({ failure }) => failure !== INTERRUPTED);
  if (options.json) console.log(json(options, finished));
  else console.log(tables(options, finished) + (options.table ? `\n${targetTable(finished)}` : ''));
  if (options.profile !== undefined && !options.json) printProfiles(options.profile, steps, finished);
  if (abort.signal.aborted) {
    say(`interrupted after ${finished.length} of ${steps.length}`);
    return 130;
  }
  return results.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

async function withoutMissing(options: Options): Promise<Options> {
  const servers = options.servers.filter((server) => {
    const missing = server.missing();
    if (missing !== undefined) say(`${server.name} is left out: ${missing}`);
    return missing === undefined;
  });
  const bases = options.bases.filter((base) => servers.some(({ name }) => name === base));
  return { ...options, servers, bases };
}

function announce(options: Options, steps: readonly Step[]): void {
  const names = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name).join(' ');
  const minutes = estimate(options, steps) / 60;
  say(`servers:   ${names(options.servers)}`);
  say(`workloads: ${names(options.workloads)}`);
  say(
    `${steps.length} measurements in ${options.rounds} rounds, about ${minutes < 1 ? 'a minute or less' : `${minutes.toFixed(0)} minutes`}`,
  );
  const [load = 0] = loadavg();
  if (load > cpus().length / 2) {
    say(`this machine is busy (load ${load.toFixed(1)}): believe ratios and the processor time of servers, not rates`);
  }
  if (options.smoke) say('a check that it works: the figures mean nothing');
}

function printProfiles(folder: string, steps: readonly Step[], results: readonly Result[]): void {
  for (const [i, step] of steps.entries()) {
    if (!step.kind.onNode || results[i]?.figures === undefined) continue;
    const file = join(folder, profileName(step));
    console.log(`${file}\n${hottest(file, HOTTEST).join('\n')}\n`);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`${error.message}\nnpm run bench -- --help explains the options`);
  process.exitCode = 2;
}
