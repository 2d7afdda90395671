// What the subscriptions of others cost: each of them, and the messages that none of them match.

import type { Measured } from '../measured.js';
import { measured } from '../measured.js';
import { settledBytes } from './settled.js';
import type { Traffic } from './raw.js';
import { prepare } from './raw.js';
import { RawPeers } from './sockets.js';
import type { Duration, ServerAddress } from './task.js';

export interface CrowdTask {
  readonly kind: 'crowd';
  readonly server: ServerAddress;
  /** Patterns of others, which match nothing that is published. */
  readonly crowd: readonly string[];
  readonly traffic: Traffic;
  /** The same to one subscriber with a wildcard, on many channels. */
  readonly spread: Traffic;
  readonly duration: Duration;
  /** Milliseconds between looks at the server's memory. */
  readonly settle: number;
}

export interface CrowdResult {
  /** `traffic` before the crowd came and after it had gone, beside it, and `spread` beside it. */
  readonly alone: readonly Measured[];
  readonly crowded: Measured;
  readonly spread: Measured;
  /** A message is a subscription. */
  readonly subscribing: Measured;
  readonly bytesEach: number;
}

const PATTERNS_PER_CONNECTION = 10_000;

export async function runCrowd({ server, crowd, traffic, spread, duration, settle }: CrowdTask): Promise<CrowdResult> {
  const peers = new RawPeers(server.wire, server.port);
  const others = new RawPeers(server.wire, server.port);
  try {
    const measure = await prepare(peers, server.pid, traffic, duration);
    const before = await measure();
    const bytesBefore = await settledBytes(server.pid, settle);
    const subscribing = await measured(server.pid, async () => {
      for (let i = 0; i < crowd.length; i += PATTERNS_PER_CONNECTION) {
        await others.subscriber(crowd.slice(i, i + PATTERNS_PER_CONNECTION));
      }
      return crowd.length;
    });
    const bytesEach = ((await settledBytes(server.pid, settle)) - bytesBefore) / crowd.length;
    const crowded = await measure();
    // A connection of its own kind, so that the one above does not pay for it.
    const spreading = new RawPeers(server.wire, server.port);
    const spreadResult = await (
      await prepare(spreading, server.pid, spread, duration)
    )().finally(() => spreading.close());
    others.close();
    // Whoever can subscribe now comes after the end of all of those.
    await peers.subscriber(['bench/others/have/gone']);
    return { alone: [before, await measure()], crowded, spread: spreadResult, subscribing, bytesEach };
  } finally {
    peers.close();
    others.close();
  }
}
