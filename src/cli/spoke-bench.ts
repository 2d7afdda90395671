// Measures a broker from outside: how many messages and calls go through, and how long one takes at a steady rate.

import { isMainThread } from 'node:worker_threads';

import { InvalidArgumentError } from 'commander';

import type { ConnectionOptions } from './arguments.js';
import { CLIENT_REMARKS, withConnectionOptions } from './arguments.js';
import { LEAST_PAYLOAD } from './bench/body.js';
import type { Settings } from './bench/run.js';
import { runTrial } from './bench/run.js';
import { fellBehind, HEADING, rowOf } from './bench/table.js';
import { serveThread } from './bench/thread.js';
import type { Workload } from './bench/trial.js';
import { sweep, WORKLOADS } from './bench/trial.js';
import { newCommand, run } from './command.js';
import { connected } from './connected.js';
import { UsageError } from './failure.js';
import { note, printJson, printLine } from './output.js';
import { listenForStop } from './stop.js';

interface Options extends ConnectionOptions {
  readonly payload: readonly number[];
  readonly connections?: readonly number[];
  readonly rate?: number;
  readonly seconds: number;
  readonly inFlight: number;
}

const MOST_PAYLOAD = 4 * 1024 * 1024;
const MOST_CONNECTIONS = 5000;

const command = newCommand({
  name: 'spoke-bench',
  summary: 'Measures a broker: what goes through it, and how long a message takes at a steady rate.',
  examples: [
    ['spoke-bench', 'publish and subscribe, fan-out and calls, bodies of 128 bytes; 15 seconds'],
    ['spoke-bench pub-sub -p 64,1024,65536 -c 1,10', 'six combinations'],
    ['spoke-bench rpc -r 1000 -s 10', 'calls at 1,000 a second only, for ten seconds'],
    ['spoke-bench --url ws://broker:7182 --codec msgpack --json', 'another broker, transport and codec; JSON'],
  ],
  exitCodes: [
    ['1', 'no broker, the connection was lost, or messages were lost or out of order'],
    ['130/143', 'ended by SIGINT or SIGTERM; what was measured before has been printed'],
  ],
  remarks: [
    'Workloads: pub-sub (each connection publishes to one other), fan-out (one publishes to all), rpc (each calls one provider).',
    'First as fast as it goes, then at a steady rate: latency counts from the moment a message was to be sent, so what holds up',
    'the broker, or this machine, counts for all that had to wait. Sender and receiver have a thread each; do not run it on the',
    'machine of the broker if its processors are few. Without --rate it takes all that the broker has: not for one in use.',
    ...CLIENT_REMARKS,
  ],
})
  .argument('[workload...]', `${WORKLOADS.join(', ')} (default: all)`, workloads)
  .option(
    '-p, --payload <bytes>',
    'sizes of bodies as JSON, with commas between them',
    numbers(LEAST_PAYLOAD, MOST_PAYLOAD),
    [128],
  )
  .option(
    '-c, --connections <counts>',
    'numbers of connections (default: 1; 10 subscribers for fan-out)',
    numbers(1, MOST_CONNECTIONS),
  )
  .option(
    '-r, --rate <number>',
    'messages a second, and nothing faster (default: half of what goes through)',
    number(1, 1e7),
  )
  .option('-s, --seconds <number>', 'for each of the two', number(0.1, 3600), 2)
  .option('--in-flight <number>', 'calls at a time on each connection, when as fast as it goes', number(1, 10_000), 64)
  .action(async (names: readonly Workload[], options: Options) => {
    await bench(names.length === 0 ? WORKLOADS : names, options);
  });

async function bench(names: readonly Workload[], options: Options): Promise<void> {
  const { url, codec, payload, connections, rate, seconds, inFlight, json } = options;
  const broker = { ...(url !== undefined && { url }), ...(codec !== undefined && { codec }) };
  // Tells of a wrong address or a broker that is not there, in the words of the other commands.
  await connected(options, { timeout: undefined, late: () => '', lost: '', run: async (client) => client.flush() });
  const stop = listenForStop();
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason));
  });
  const settings: Settings = { broker, seconds, rate, inFlight: Math.floor(inFlight) };
  const trials = sweep(names, payload, connections);
  if (!json) printLine(HEADING);
  for (const [index, trial] of trials.entries()) {
    const { workload, payload: bytes, connections: count } = trial;
    const what = `[${index + 1}/${trials.length}] ${workload}, ${bytes} bytes, ${count} connections`;
    const result = await Promise.race([runTrial(trial, settings, (text) => progress(`${what}: ${text}`)), stopped]);
    progress('');
    if (json) printJson(result);
    else printLine(rowOf(result));
    if (fellBehind(result)) {
      const { rate: wanted, achieved } = result.steady;
      const text = `${what}: ${Math.round(achieved)} a second went through instead of ${Math.round(wanted)}; the latencies are those of a queue`;
      note(json ? JSON.stringify({ remark: text }) : `spoke-bench: ${text}`);
    }
  }
}

/** For the person who watches, on the same line again and again. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

function workloads(value: string, before: readonly Workload[] | undefined): readonly Workload[] {
  const found = WORKLOADS.find((name) => name === value);
  if (found === undefined) throw new UsageError(`there is no workload ${value}; there are: ${WORKLOADS.join(', ')}`);
  return [...(before ?? []), found];
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`);
  };
}

function numbers(least: number, most: number): (text: string) => readonly number[] {
  const one = number(least, most);
  return (text) =>
    text.split(',').map((part) => {
      const value = one(part);
      if (Number.isInteger(value)) return value;
      throw new InvalidArgumentError('They are whole numbers.');
    });
}

if (isMainThread) {
  void run(withConnectionOptions(command));
} else {
  void serveThread(async (task, fail) => {
    // Loaded by the threads that need it.
    const { begin } = await import('./bench/roles.js');
    return begin(task, fail);
  });
}
