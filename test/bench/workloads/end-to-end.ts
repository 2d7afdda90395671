// End to end: client libraries that take and give JavaScript objects, publishers in one thread, subscribers in another.

import { MessageChannel } from 'node:worker_threads';
import type { Drivers } from '../drivers/start.js';
import type { ClientTarget } from '../clients/client.js';
import type { Measured } from '../measured.js';
import type { CallerResult } from '../drivers/rpc.js';
import type { Ability, ServerKind } from '../servers/index.js';
import { DELIVERIES, MEGABYTES, MESSAGES, perDelivery, warmUpOf } from './broker-only.js';
import type { Figures, Run, Workload } from './workload.js';
import { durationOf } from './workload.js';

export function targetOf({ kind, server }: Run): ClientTarget {
  const { client, dist, codec } = kind;
  return {
    pid: server.pid,
    port: server.port,
    client,
    ...(dist !== undefined && { dist }),
    ...(codec !== undefined && { codec }),
  };
}

function unfit(kind: ServerKind, ...abilities: Ability[]): string | undefined {
  const lacking = abilities.find((ability) => !kind.can.includes(ability));
  return lacking === undefined ? undefined : `has no ${lacking}`;
}

/** Runs two tasks that talk to each other; the second one's result counts, a failure of either is one. */
export async function pair<R>(
  drivers: Drivers,
  first: Parameters<Drivers['start']>[0],
  second: Parameters<Drivers['start']>[0],
  ports: MessageChannel,
): Promise<R> {
  const helper = drivers.start<never>(first, [ports.port1]);
  const main = drivers.start<R>(second, [ports.port2]);
  return Promise.race([main, helper]);
}

interface Conversation {
  readonly pattern: string;
  readonly channels: readonly string[];
  readonly subscribers: number;
  readonly bodyBytes: number;
  readonly burst: number;
  readonly window: number;
}

async function converse(run: Run, conversation: Conversation): Promise<Measured> {
  const { pattern, channels, subscribers, bodyBytes, burst, window } = conversation;
  // Clients are slower than servers, and have more to compile for each message.
  const duration = durationOf(run.scale, Math.ceil(warmUpOf(conversation) / 3));
  const target = targetOf(run);
  const ports = new MessageChannel();
  return pair(
    run.drivers,
    { kind: 'subscriber', target, clients: subscribers, pattern, reportEvery: burst, port: ports.port1 },
    { kind: 'publisher', target, channels, bodyBytes, burst, window, duration, port: ports.port2 },
    ports,
  );
}

/** Publishers, subscribers and their libraries together: mostly more than the server. */
const CLIENTS = { key: 'clients', title: 'clients µs' };

const CHANNEL = 'bench/robot10/pose';
const ONE_TO_ONE: Conversation = {
  pattern: CHANNEL,
  channels: [CHANNEL],
  subscribers: 1,
  bodyBytes: 128,
  burst: 64,
  window: 2048,
};
const FAN_OUT: Conversation = { ...ONE_TO_ONE, subscribers: 50, burst: 16, window: 256 };
const FAN_IN: Conversation = {
  ...ONE_TO_ONE,
  pattern: 'bench/*/pose',
  channels: Array.from({ length: 20 }, (_, i) => `bench/robot${10 + i}/pose`),
};
const BIG: Conversation = { ...ONE_TO_ONE, bodyBytes: 64 * 1024, burst: 2, window: 32 };
const BIG_FROM_FOUR: Conversation = { ...BIG, channels: [CHANNEL, CHANNEL, CHANNEL, CHANNEL] };

function endToEnd(name: string, about: string, conversation: Conversation, ...abilities: Ability[]): Workload {
  const { subscribers, bodyBytes } = conversation;
  const isBig = bodyBytes > ONE_TO_ONE.bodyBytes;
  return {
    name,
    about: `end to end, ${about}`,
    figures: [...(isBig ? MEGABYTES : subscribers > 1 ? DELIVERIES : MESSAGES), CLIENTS],
    unfit: (kind) => unfit(kind, ...abilities),
    run: async (run): Promise<Figures> => {
      const figures = perDelivery(await converse(run, conversation), subscribers);
      return isBig ? { ...figures, megabytes: (figures.rate * bodyBytes) / 1e6 } : figures;
    },
  };
}

/** One at a time: a few thousand a second. */
const WARM_UP_CALLS = 5_000;

async function calls(run: Run, inFlight: number): Promise<CallerResult> {
  const target = targetOf(run);
  const ports = new MessageChannel();
  const duration = durationOf(run.scale, inFlight === 1 ? WARM_UP_CALLS : WARM_UP_CALLS * 4);
  return pair(
    run.drivers,
    { kind: 'provider', target, port: ports.port1 },
    { kind: 'caller', target, inFlight, bodyBytes: 128, duration, port: ports.port2 },
    ports,
  );
}

export const endToEndWorkloads: readonly Workload[] = [
  endToEnd('1-1', 'one publisher, one subscriber, bodies of 128 bytes', ONE_TO_ONE),
  endToEnd('1-50', 'one publisher, fifty subscribers', FAN_OUT),
  endToEnd('20-1', 'twenty publishers, one subscriber with a wildcard', FAN_IN, 'wildcards'),
  endToEnd('64k', 'one to one, bodies of 64 KiB', BIG),
  endToEnd('64k-4', 'four publishers, one subscriber, bodies of 64 KiB', BIG_FROM_FOUR, 'messages'),
  {
    name: 'rpc',
    about: 'remote calls, one at a time',
    figures: [
      { key: 'p50', title: 'p50 µs' },
      { key: 'p99', title: 'p99 µs' },
      { key: 'cpu', title: 'server µs/call' },
      CLIENTS,
    ],
    unfit: (kind) => unfit(kind, 'rpc'),
    run: async (run) => {
      const result = await calls(run, 1);
      return { ...perDelivery(result, 1), p50: result.p50, p99: result.p99 };
    },
  },
  {
    name: 'rpc-64',
    about: 'remote calls, 64 in flight',
    figures: [{ key: 'rate', title: 'calls/s' }, { key: 'cpu', title: 'server µs/call' }, CLIENTS],
    unfit: (kind) => unfit(kind, 'rpc'),
    run: async (run) => perDelivery(await calls(run, 64), 1),
  },
];
