// "Broker only": one thread that writes messages which were encoded before, and counts the bytes that come out.

import type { Measured } from '../measured.js';
import { measured } from '../measured.js';
import { Flow } from './flow.js';
import { RawPeers } from './sockets.js';
import type { Duration, ServerAddress } from './task.js';

/** Who publishes what to whom. */
export interface Traffic {
  readonly pattern: string;
  /** The channels of each publisher, in turn; all equally long. */
  readonly publishers: readonly (readonly string[])[];
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
}

export async function runRaw({ server, traffic, duration }: RawTask): Promise<Measured> {
  const peers = new RawPeers(server.wire, server.port);
  try {
    const measure = await prepare(peers, server.pid, traffic, duration);
    return await measure();
  } finally {
    peers.close();
  }
}

/** Connects everybody. What it returns warms up and measures, as often as it is called. */
export async function prepare(
  peers: RawPeers,
  pid: number,
  traffic: Traffic,
  duration: Duration,
): Promise<() => Promise<Measured>> {
  const subscribers = [];
  for (let i = 0; i < traffic.subscribers; i++) subscribers.push(await peers.subscriber([traffic.pattern]));
  const publishers = await Promise.all(traffic.publishers.map(() => peers.publisher()));
  const flow = new Flow({ ...traffic, wire: peers.wire }, publishers, subscribers);
  return async () => {
    await Promise.race([flow.run(duration.warmUp), peers.lost]);
    return measured(pid, () => Promise.race([flow.run(duration.measured), peers.lost]));
  };
}
