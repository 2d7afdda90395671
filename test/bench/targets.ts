// What this package is to reach (`--table`): the figure of each row, against a bound or against other servers in the same round.

import type { Result } from './results.js';
import { roundsOf } from './results.js';
import type { Spread } from './spread.js';
import { spreadOfRounds } from './spread.js';

export interface Target {
  /** What is done, in words. */
  readonly row: string;
  readonly workload: string;
  /** Ours. */
  readonly server: string;
  readonly figure: string;
  /** What it is divided by: the same figure of the best of these servers, in the same round. None: the figure itself counts. */
  readonly against: readonly string[];
  /** Unit, or what it is a multiple of. */
  readonly unit: string;
  /** One of the two. */
  readonly most?: number;
  readonly least?: number;
}

export interface Outcome {
  readonly target: Target;
  /** `undefined`: not measured. */
  readonly spread: Spread | undefined;
  readonly met: boolean;
}

const BROKERS = ['nats', 'redis', 'mosquitto', 'aedes'];
const JSON_AND_MSGPACK = ['spoke', 'spoke-msgpack'];

type Bound = Pick<Target, 'most' | 'least'>;

function ratio(row: string, workload: string, figure: string, against: readonly string[], bound: Bound): Target[] {
  const best = against.length > 1 ? 'the best broker' : (against[0] ?? '');
  return JSON_AND_MSGPACK.map((server) => ({ row, workload, server, figure, against, unit: `x ${best}`, ...bound }));
}

function absolute(row: string, workload: string, figure: string, unit: string, bound: Bound): Target[] {
  return JSON_AND_MSGPACK.map((server) => ({ row, workload, server, figure, against: [], unit, ...bound }));
}

const onlyOf = (server: string, targets: readonly Target[]) => targets.filter((target) => target.server === server);

export const TARGETS: readonly Target[] = [
  ...onlyOf('spoke', ratio('broker only, 1 to 1: processor time', 'broker-1-1', 'cpu', ['nats'], { most: 1.2 })),
  ...onlyOf('spoke-msgpack', ratio('broker only, 1 to 1: processor time', 'broker-1-1', 'cpu', ['nats'], { most: 1 })),
  ...ratio('broker only, 1 to 50: processor time', 'broker-1-50', 'cpu', ['redis'], { most: 0.5 }),
  ...ratio('end to end, 1 to 1: rate', '1-1', 'rate', ['nats'], { least: 1.5 }),
  ...ratio('end to end, 1 to 50: rate', '1-50', 'rate', ['redis'], { least: 1.2 }),
  ...ratio('end to end, 20 to 1, wildcard: rate', '20-1', 'rate', ['nats'], { least: 1.5 }),
  ...ratio('remote calls, one at a time: p50', 'rpc', 'p50', BROKERS, { most: 1 }),
  ...ratio('remote calls, 64 in flight: rate', 'rpc-64', 'rate', ['nats'], { least: 2 }),
  ...ratio('64 KiB, 1 publisher: processor time', 'broker-64k', 'cpu', BROKERS, { most: 1 }),
  ...ratio('64 KiB, 4 publishers: processor time', 'broker-64k-4', 'cpu', BROKERS, { most: 1 }),
  ...ratio('64 KiB, 1 publisher, end to end', '64k', 'cpu', BROKERS, { most: 1 }),
  ...ratio('64 KiB, 4 publishers, end to end', '64k-4', 'cpu', BROKERS, { most: 1 }),
  ...absolute('beside 100,000 subscriptions: processor time', 'crowd', 'times', 'x without', { most: 1.2 }),
  ...absolute('the same over 5,000 channels', 'crowd', 'spread', 'x without', { most: 1.5 }),
  ...absolute('each of these subscriptions: memory', 'crowd', 'bytes', 'bytes', { most: 600 }),
  ...absolute('each of these subscriptions: subscribing', 'crowd', 'subscribe', 'µs', { most: 10 }),
  ...absolute('50,000 kept messages: processor time each', 'replay', 'cpu', 'µs', { most: 2 }),
  ...absolute('50,000 kept messages: others wait at most', 'replay', 'pause', 'ms', { most: 20 }),
  ...onlyOf('spoke', absolute('5,000 idle connections: memory each', 'idle', 'kilobytes', 'KB', { most: 6 })),
  ...absolute('a stalled subscriber: the other keeps', 'stall', 'share', '% of its rate', { least: 95 }),
  ...absolute('a stalled subscriber: the broker grows by', 'stall', 'growth', 'MB', { most: 64 }),
  ...onlyOf('spoke', absolute('spoke-publish, beyond node -e 0', 'start', 'more', 'ms', { most: 60 })),
];

/** Whether a target needs this server to do this workload. */
export function isNeeded(workload: string, server: string): boolean {
  return TARGETS.some(
    (target) => target.workload === workload && (target.server === server || target.against.includes(server)),
  );
}

export function outcomes(results: readonly Result[]): Outcome[] {
  return TARGETS.map((target) => {
    const spread = spreadOfRounds(figuresOf(target, results));
    const { most = Infinity, least = -Infinity } = target;
    return { target, spread, met: spread !== undefined && spread.median <= most && spread.median >= least };
  });
}

/** One for each round in which everything that is needed was measured. */
function figuresOf({ workload, server, figure, against, most }: Target, results: readonly Result[]): number[] {
  const own = roundsOf(results, workload, server, figure);
  const others = against.map((name) => roundsOf(results, workload, name, figure));
  const figures: number[] = [];
  for (const [round, value] of own.entries()) {
    const measured = others.map((rounds) => rounds[round]).filter((other) => other !== undefined);
    if (value === undefined || (against.length > 0 && measured.length === 0)) continue;
    const best = most === undefined ? Math.max(...measured) : Math.min(...measured);
    figures.push(against.length === 0 ? value : value / best);
  }
  return figures;
}
