// Broker only: bytes that were encoded before go in, bytes are counted when they come out. One cheap driver thread; all
// that differs is the server.

import type { Measured } from '../measured.js';
import type { IdleResult } from '../drivers/idle.js';
import type { RawResult, Traffic } from '../drivers/raw.js';
import type { StallResult } from '../drivers/stall.js';
import type { ServerAddress } from '../drivers/task.js';
import type { Ability, ServerKind } from '../servers/index.js';
import type { Run, Workload } from './workload.js';

const CHANNEL = 'bench/robot10/pose';

/** One to one. The window is about 0.7 MB: enough that no server waits for the driver. */
export const ONE_TO_ONE: Traffic = {
  pattern: CHANNEL,
  channels: [CHANNEL],
  subscribers: 1,
  bodyBytes: 128,
  batch: 256,
  window: 4096,
};

export function unfit(kind: ServerKind, ...abilities: Ability[]): string | undefined {
  if (kind.wire === undefined) return 'no wire protocol written for it';
  const lacking = abilities.find((ability) => !kind.can.includes(ability));
  return lacking === undefined ? undefined : `has no ${lacking}`;
}

function addressOf({ kind, server }: Run): ServerAddress {
  if (kind.wire === undefined) throw new TypeError(`${kind.name} has no wire`);
  return { pid: server.pid, port: server.port, wire: kind.wire };
}

export const perDelivery = ({ messages, seconds, serverSeconds, clientSeconds }: Measured, receivers: number) => ({
  rate: (messages * receivers) / seconds,
  cpu: (serverSeconds / (messages * receivers)) * 1e6,
  clients: (clientSeconds / (messages * receivers)) * 1e6,
});

export const MESSAGES = [
  { key: 'rate', title: 'messages/s' },
  { key: 'cpu', title: 'server µs/message' },
];
export const DELIVERIES = [
  { key: 'rate', title: 'deliveries/s' },
  { key: 'cpu', title: 'server µs/delivery' },
];

function raw(name: string, about: string, traffic: Traffic, ...abilities: Ability[]): Workload {
  return {
    name,
    about,
    figures: traffic.subscribers > 1 ? DELIVERIES : MESSAGES,
    unfit: (kind) => unfit(kind, ...abilities),
    run: async (run) => {
      const { duration } = run.scale;
      const task = { kind: 'raw', server: addressOf(run), traffic, duration } as const;
      return perDelivery((await run.drivers.start<RawResult>(task)).alone, traffic.subscribers);
    },
  };
}

const FAN_OUT: Traffic = { ...ONE_TO_ONE, subscribers: 50, batch: 64, window: 1024 };
const FAN_IN: Traffic = {
  ...ONE_TO_ONE,
  pattern: 'bench/*/pose',
  channels: Array.from({ length: 20 }, (_, i) => `bench/robot${10 + i}/pose`),
  batch: 64,
};
const BIG: Traffic = { ...ONE_TO_ONE, bodyBytes: 64 * 1024, batch: 1, window: 32 };

const big: Workload = {
  ...raw('broker-64k', 'broker only, one to one, bodies of 64 KiB', BIG),
  figures: [
    { key: 'megabytes', title: 'MB/s' },
    { key: 'cpu', title: 'server µs/message' },
  ],
};

export const brokerOnly: readonly Workload[] = [
  raw('broker-1-1', 'broker only, one publisher, one subscriber, bodies of 128 bytes', ONE_TO_ONE),
  raw('broker-1-50', 'broker only, one publisher, fifty subscribers', FAN_OUT),
  raw('broker-20-1', 'broker only, twenty publishers, one subscriber with a wildcard', FAN_IN, 'wildcards'),
  {
    ...big,
    run: async (run) => {
      const figures = await big.run(run);
      return { ...figures, megabytes: ((figures['rate'] ?? 0) * BIG.bodyBytes) / 1e6 };
    },
  },
  {
    name: 'crowd',
    about: 'broker only, one to one beside 100,000 subscriptions of others with a wildcard, none of which match',
    figures: [
      { key: 'cpu', title: 'server µs/message' },
      { key: 'times', title: 'times 1 to 1' },
    ],
    unfit: (kind) => unfit(kind, 'wildcards', 'subscriptions'),
    run: async (run) => {
      const task = {
        kind: 'raw',
        server: addressOf(run),
        // Small, because a server that looks at every pattern needs up to 40 ms for each message.
        traffic: { ...ONE_TO_ONE, batch: 8, window: 64 },
        duration: run.scale.duration,
        crowd: Array.from({ length: run.scale.crowd }, (_, i) => `bench/crowd${i}/*`),
      } as const;
      const { alone, crowded } = await run.drivers.start<RawResult>(task);
      const cpu = perDelivery(crowded ?? alone, 1).cpu;
      return { cpu, times: cpu / perDelivery(alone, 1).cpu };
    },
  },
  {
    name: 'stall',
    about: 'broker only, two subscribers, one stops reading: what the healthy one still gets',
    figures: [
      { key: 'beside', title: 'messages/s beside' },
      { key: 'share', title: '% of before' },
      { key: 'gap', title: 'longest gap ms' },
    ],
    unfit: (kind) => unfit(kind),
    run: async (run) => {
      const { duration } = run.scale;
      const task = { kind: 'stall', server: addressOf(run), traffic: ONE_TO_ONE, duration } as const;
      const { before, beside, longestGap } = await run.drivers.start<StallResult>(task);
      return { beside, share: (beside / before) * 100, gap: longestGap };
    },
  },
  {
    name: 'idle',
    about: '5,000 connections with one subscription each that say nothing',
    figures: [{ key: 'kilobytes', title: 'KB/connection' }],
    unfit: (kind) => unfit(kind),
    run: async (run) => {
      const { idle, settle } = run.scale;
      const task = { kind: 'idle', server: addressOf(run), connections: idle, settle } as const;
      return { kilobytes: (await run.drivers.start<IdleResult>(task)).bytesPerConnection / 1024 };
    },
  },
];
