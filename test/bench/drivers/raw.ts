// "Broker only": one thread that writes messages which were encoded before, and counts the bytes that come out.

import type { Measured } from '../measured.js';
import { measured } from '../measured.js';
import { Flow } from './flow.js';
import { RawPeers } from './sockets.js';
import type { Duration, ServerAddress } from './task.js';

/** Who publishes what to whom. */
export interface Traffic {
  readonly pattern: string;
  /** A channel for each publisher; all equally long. */
  readonly channels: readonly string[];
  readonly subscribers: number;
  readonly bodyBytes: number;
  readonly batch: number;
  readonly window: number;
}

export interface RawTask {
  readonly kind: 'raw';
  readonly server: ServerAddress;
  readonly traffic: Traffic;
  readonly duration: Duration;
  /** Patterns of others, which match nothing that is published: the same is measured with them once more. */
  readonly crowd?: readonly string[];
}

export interface RawResult {
  readonly alone: Measured;
  readonly crowded?: Measured;
}

const PATTERNS_PER_CONNECTION = 10_000;

export async function runRaw({ server, traffic, duration, crowd }: RawTask): Promise<RawResult> {
  const peers = new RawPeers(server.wire, server.port);
  try {
    const subscribers = [];
    for (let i = 0; i < traffic.subscribers; i++) subscribers.push(await peers.subscriber([traffic.pattern]));
    const publishers = await Promise.all(traffic.channels.map(() => peers.publisher()));
    const flow = new Flow({ ...traffic, wire: peers.wire }, publishers, subscribers);
    const run = async () => {
      await Promise.race([flow.run(duration.warmSeconds, duration.mostMessages), peers.lost]);
      return measured(server.pid, () => Promise.race([flow.run(duration.seconds, duration.mostMessages), peers.lost]));
    };
    const alone = await run();
    if (crowd === undefined) return { alone };
    for (let i = 0; i < crowd.length; i += PATTERNS_PER_CONNECTION) {
      await peers.subscriber(crowd.slice(i, i + PATTERNS_PER_CONNECTION));
    }
    return { alone, crowded: await run() };
  } finally {
    peers.close();
  }
}
