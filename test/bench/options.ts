// What the benchmark is asked to do.

import { parseArgs } from 'node:util';
import type { ServerKind } from './servers/index.js';
import { allServers, spoke } from './servers/index.js';
import type { Scale, Workload } from './workloads/index.js';
import { WORKLOADS } from './workloads/index.js';

/** Wrong use; its text is for the person who typed it. */
export class UsageError extends Error {}

export interface Options {
  readonly servers: readonly ServerKind[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly scale: Scale;
  /** Servers that the others are divided by. */
  readonly bases: readonly string[];
  readonly json: boolean;
  /** Only what the targets need, and a table of these. */
  readonly table: boolean;
  readonly smoke: boolean;
  /** Where to write processor profiles of the servers that run on Node. */
  readonly profile: string | undefined;
}

const SMOKE: Scale = {
  warmSeconds: 0.01,
  seconds: 1,
  mostMessages: 512,
  kept: 300,
  idle: 60,
  crowd: 500,
  starts: 1,
  settle: 10,
};

const DEFAULT_SERVERS = 'relay,spoke,nats,redis';
const TABLE_SERVERS = 'spoke,spoke-msgpack,nats,redis,mosquitto,aedes';

const OPTIONS = {
  only: { type: 'string', short: 'o' },
  workload: { type: 'string', short: 'w' },
  rounds: { type: 'string', short: 'r' },
  seconds: { type: 'string', short: 's' },
  messages: { type: 'string', short: 'm' },
  base: { type: 'string', short: 'b' },
  dist: { type: 'string' },
  with: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  table: { type: 'boolean', short: 't' },
  smoke: { type: 'boolean' },
  profile: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export function help(): string {
  const list = (things: readonly { readonly name: string; readonly about: string }[]) =>
    things.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n');
  return `Usage: npm run bench -- [options]

Compares the broker with other servers: one server at a time, each a process of its own on the loopback interface,
started and ended from here. Rounds are interleaved (A B C A B C), so that a disturbance of the machine meets all.
Build first: npm run build.

  -o, --only NAMES      servers, with commas between them, or all (default: ${DEFAULT_SERVERS})
  -w, --workload NAMES  workloads, with commas between them (default: all)
  -r, --rounds N        how often everything is repeated, 1 to 50 (default: 3)
  -s, --seconds N       how long each is measured, 0.1 to 30 (default: 0.7)
  -m, --messages N      ends a measurement before its time (default: never)
  -b, --base NAMES      what the others are divided by, in the same round (default: relay,nats)
      --dist FOLDER     the built package (default: dist)
      --with NAME=DIST  one more build of the package, to compare two (repeatable)
  -t, --table           what this package is to reach, and whether it does: runs what is needed for that, on all servers
      --json            prints everything as JSON instead of tables
      --profile FOLDER  also writes a processor profile of each server on Node, and prints where its time went
      --smoke           a few hundred messages each, relay and spoke, one round: only checks that all of it works
  -h, --help

Servers:
${list(allServers('dist'))}

Workloads:
${list(WORKLOADS)}

"Broker only": bytes encoded beforehand go in, bytes are counted when they come out, and all of them must. "End to
end": client libraries that take and give objects; every message is checked for its order. Bodies are JSON of exactly
128 bytes; with its channel, a message of spoke takes 182 bytes. Windows bound what is on its way, and are the same for all.

Reading the tables: median, lowest and highest round, and the median of the ratios to each base in the same round.
Processor time of the server (user and system, from /proc) is the robust figure; rates also depend on the clients, which
share the machine with the server.
`;
}

/** @returns `undefined` when help was asked for. */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const smoke = values.smoke ?? false;
  const dist = values.dist ?? 'dist';
  const additional = (values.with ?? []).map(additionalServer);
  const table = values.table ?? false;
  const usual = smoke ? 'relay,spoke' : table ? TABLE_SERVERS : DEFAULT_SERVERS;
  const names = values.only ?? [usual, ...additional.map(({ name }) => name)].join(',');
  const servers = choose('server', [...allServers(dist), ...additional], names);
  const workloads = choose('workload', WORKLOADS, values.workload);
  const seconds = number('seconds', values.seconds ?? '0.7', 0.1, 30);
  const mostMessages = number('messages', values.messages ?? '1e12', 1, 1e12);
  const full: Scale = {
    warmSeconds: Math.min(0.4, seconds),
    seconds,
    mostMessages,
    kept: 50_000,
    idle: 5_000,
    crowd: 100_000,
    starts: 15,
    settle: 200,
  };
  return {
    servers,
    workloads,
    rounds: number('rounds', values.rounds ?? (smoke ? '1' : '3'), 1, 50),
    scale: smoke ? SMOKE : full,
    bases: (values.base ?? 'relay,nats').split(',').filter((name) => servers.some((server) => server.name === name)),
    json: values.json ?? false,
    table,
    smoke,
    profile: values.profile,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function additionalServer(text: string): ServerKind {
  const [, name, dist] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || dist === undefined) throw new UsageError(`--with takes NAME=FOLDER, not ${text}`);
  return spoke(name, dist);
}

function choose<T extends { readonly name: string }>(
  what: string,
  known: readonly T[],
  names: string | undefined,
): T[] {
  if (names === undefined || names === 'all') return [...known];
  return names.split(',').map((name) => {
    const found = known.find((one) => one.name === name.trim());
    if (found !== undefined) return found;
    throw new UsageError(`no ${what} ${name}; there are: ${known.map((one) => one.name).join(', ')}`);
  });
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} takes a number from ${least} to ${most}, not ${text}`);
}
