// Broker only: bytes that were encoded before go in, bytes are counted when they come out. One cheap driver thread; all
// that differs is the server.

import type { Measured } from '../measured.js';
import type { Traffic } from '../drivers/raw.js';
import type { ServerAddress } from '../drivers/task.js';
import type { Ability, ServerKind } from '../servers/index.js';
import type { FigureSpec, Figures, Run, Workload } from './workload.js';
import { durationOf } from './workload.js';

const CHANNEL = 'bench/robot10/pose';
const MANY_CHANNELS = 5_000;

/** One to one. The window is about 0.7 MB: enough that no server waits for the driver. */
export const ONE_TO_ONE: Traffic = {
  pattern: CHANNEL,
  publishers: [[CHANNEL]],
  subscribers: 1,
  bodyBytes: 128,
  batch: 256,
  window: 4096,
};
/** The same number of messages on many channels, to a subscriber with a wildcard. */
export const SPREAD: Traffic = {
  ...ONE_TO_ONE,
  pattern: 'bench/*/pose',
  publishers: [Array.from({ length: MANY_CHANNELS }, (_, i) => `bench/robot${1000 + i}/pose`)],
};
/** One to one, from two publishers. */
export const TWO_TO_ONE: Traffic = { ...ONE_TO_ONE, publishers: [[CHANNEL], [CHANNEL]] };

/** Messages until a server may be expected to have compiled what it needs for them. */
export function warmUpOf({ subscribers, bodyBytes }: Pick<Traffic, 'subscribers' | 'bodyBytes'>): number {
  return bodyBytes > ONE_TO_ONE.bodyBytes ? 2_000 : Math.ceil(200_000 / (subscribers > 1 ? 20 : 1));
}

export function unfit(kind: ServerKind, ...abilities: Ability[]): string | undefined {
  if (kind.wire === undefined) return 'no wire protocol written for it';
  const lacking = abilities.find((ability) => !kind.can.includes(ability));
  return lacking === undefined ? undefined : `has no ${lacking}`;
}

export function addressOf({ kind, server }: Run): ServerAddress {
  if (kind.wire === undefined) throw new TypeError(`${kind.name} has no wire`);
  return { pid: server.pid, port: server.port, wire: kind.wire };
}

export const perDelivery = ({ messages, seconds, serverSeconds, clientSeconds }: Measured, receivers: number) => ({
  rate: (messages * receivers) / seconds,
  cpu: (serverSeconds / (messages * receivers)) * 1e6,
  clients: (clientSeconds / (messages * receivers)) * 1e6,
});

export const MESSAGES: readonly FigureSpec[] = [
  { key: 'rate', title: 'messages/s' },
  { key: 'cpu', title: 'server µs/message' },
];
export const DELIVERIES: readonly FigureSpec[] = [
  { key: 'rate', title: 'deliveries/s' },
  { key: 'cpu', title: 'server µs/delivery' },
];
export const MEGABYTES: readonly FigureSpec[] = [
  { key: 'megabytes', title: 'MB/s' },
  { key: 'cpu', title: 'server µs/message' },
];

function raw(name: string, about: string, traffic: Traffic, ...abilities: Ability[]): Workload {
  const { subscribers, bodyBytes } = traffic;
  const isBig = bodyBytes > ONE_TO_ONE.bodyBytes;
  return {
    name,
    about: `broker only, ${about}`,
    figures: isBig ? MEGABYTES : subscribers > 1 ? DELIVERIES : MESSAGES,
    unfit: (kind) => unfit(kind, ...abilities),
    run: async (run): Promise<Figures> => {
      const duration = durationOf(run.scale, warmUpOf(traffic));
      const task = { kind: 'raw', server: addressOf(run), traffic, duration } as const;
      const figures = perDelivery(await run.drivers.start<Measured>(task), subscribers);
      return isBig ? { ...figures, megabytes: (figures.rate * bodyBytes) / 1e6 } : figures;
    },
  };
}

const FAN_OUT: Traffic = { ...ONE_TO_ONE, subscribers: 50, batch: 64, window: 1024 };
const FAN_IN: Traffic = {
  ...ONE_TO_ONE,
  pattern: 'bench/*/pose',
  publishers: Array.from({ length: 20 }, (_, i) => [`bench/robot${10 + i}/pose`]),
  batch: 64,
};
const BIG: Traffic = { ...ONE_TO_ONE, bodyBytes: 64 * 1024, batch: 1, window: 32 };
const BIG_FROM_FOUR: Traffic = { ...BIG, publishers: [[CHANNEL], [CHANNEL], [CHANNEL], [CHANNEL]] };

export const brokerOnly: readonly Workload[] = [
  raw('broker-1-1', 'one publisher, one subscriber, bodies of 128 bytes', ONE_TO_ONE),
  raw('broker-1-50', 'one publisher, fifty subscribers', FAN_OUT),
  raw('broker-20-1', 'twenty publishers, one subscriber with a wildcard', FAN_IN, 'wildcards'),
  raw('broker-64k', 'one to one, bodies of 64 KiB', BIG),
  raw('broker-64k-4', 'four publishers, one subscriber, bodies of 64 KiB', BIG_FROM_FOUR),
];
