// End to end: client libraries that take and give JavaScript objects, publishers in one thread, subscribers in another.

import { MessageChannel } from 'node:worker_threads';
import type { Drivers } from '../drivers/start.js';
import type { ClientTarget } from '../clients/client.js';
import type { Measured } from '../measured.js';
import type { CallerResult } from '../drivers/rpc.js';
import type { Ability, ServerKind } from '../servers/index.js';
import { DELIVERIES, MESSAGES, perDelivery } from './broker-only.js';
import type { Run, Workload } from './workload.js';

function targetOf({ kind, server }: Run): ClientTarget {
  const { client, dist } = kind;
  return { pid: server.pid, port: server.port, client, ...(dist !== undefined && { dist }) };
}

function unfit(kind: ServerKind, ...abilities: Ability[]): string | undefined {
  const lacking = abilities.find((ability) => !kind.can.includes(ability));
  return lacking === undefined ? undefined : `has no ${lacking}`;
}

/** Runs two tasks that talk to each other; the second one's result counts, a failure of either is one. */
async function pair<R>(
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
  const { duration } = run.scale;
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

function endToEnd(name: string, about: string, conversation: Conversation, ...abilities: Ability[]): Workload {
  return {
    name,
    about,
    figures: [...(conversation.subscribers > 1 ? DELIVERIES : MESSAGES), CLIENTS],
    unfit: (kind) => unfit(kind, ...abilities),
    run: async (run) => perDelivery(await converse(run, conversation), conversation.subscribers),
  };
}

async function calls(run: Run, inFlight: number): Promise<CallerResult> {
  const target = targetOf(run);
  const ports = new MessageChannel();
  // A few thousand calls a second: both sides take longer until they run compiled code.
  const duration = { ...run.scale.duration, warmSeconds: run.scale.duration.warmSeconds * 3 };
  return pair(
    run.drivers,
    { kind: 'provider', target, port: ports.port1 },
    { kind: 'caller', target, inFlight, bodyBytes: 128, duration, port: ports.port2 },
    ports,
  );
}

export const endToEndWorkloads: readonly Workload[] = [
  endToEnd('1-1', 'end to end, one publisher, one subscriber, bodies of 128 bytes', ONE_TO_ONE),
  endToEnd('1-50', 'end to end, one publisher, fifty subscribers', FAN_OUT),
  endToEnd('20-1', 'end to end, twenty publishers, one subscriber with a wildcard', FAN_IN, 'wildcards'),
  {
    name: '64k',
    about: 'end to end, one to one, bodies of 64 KiB',
    figures: [{ key: 'megabytes', title: 'MB/s' }, { key: 'cpu', title: 'server µs/message' }, CLIENTS],
    unfit: () => undefined,
    run: async (run) => {
      const figures = perDelivery(await converse(run, BIG), 1);
      return { ...figures, megabytes: (figures.rate * BIG.bodyBytes) / 1e6 };
    },
  },
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
  {
    name: 'replay',
    about: 'a new subscriber gets 50,000 kept messages',
    figures: [
      { key: 'each', title: 'µs each' },
      { key: 'cpu', title: 'server µs each' },
      { key: 'clients', title: 'client µs' },
    ],
    unfit: (kind) => unfit(kind, 'replay'),
    run: async (run) => {
      const task = { kind: 'replay', target: targetOf(run), messages: run.scale.kept, bodyBytes: 128 } as const;
      const result = await run.drivers.start<Measured>(task);
      return { ...perDelivery(result, 1), each: (result.seconds / result.messages) * 1e6 };
    },
  },
];
