// Two subscribers of one channel, of which one stops reading: what the other one still gets.

import { performance } from 'node:perf_hooks';
import { residentBytes } from '../processor-time.js';
import { Flow } from './flow.js';
import type { Traffic } from './raw.js';
import { RawPeers } from './sockets.js';
import type { Duration, ServerAddress } from './task.js';

export interface StallTask {
  readonly kind: 'stall';
  readonly server: ServerAddress;
  readonly traffic: Traffic;
  readonly duration: Duration;
}

export interface StallResult {
  /** Messages a second that a subscriber gets while both read, and that the healthy one gets beside the stalled one. */
  readonly before: number;
  readonly beside: number;
  /** Longest time, in milliseconds, in which the healthy one got nothing. */
  readonly longestGap: number;
  /** Bytes of memory that the server took at most, beyond what it had before. */
  readonly growth: number;
}

const LOOK_EVERY = 25;

export async function runStall({ server, traffic, duration }: StallTask): Promise<StallResult> {
  const peers = new RawPeers(server.wire, server.port);
  try {
    const healthy = await peers.subscriber([traffic.pattern]);
    const stalled = await peers.subscriber([traffic.pattern]);
    const publishers = await Promise.all(traffic.publishers.map(() => peers.publisher()));
    // Waits for the healthy one alone; the other one is read and not counted.
    const flow = new Flow({ ...traffic, wire: peers.wire }, publishers, [healthy]);
    await Promise.race([flow.run(duration.warmUp), peers.lost]);
    const since = performance.now();
    const messages = await Promise.race([flow.run(duration.measured), peers.lost]);
    const before = messages / ((performance.now() - since) / 1000);

    // A server may end the stalled connection: that is an answer to it, not a failure.
    stalled.socket
      .removeAllListeners('end')
      .removeAllListeners('error')
      .on('error', () => {})
      .pause();
    const from = flow.received;
    const stalledAt = performance.now();
    let last = stalledAt;
    let longestGap = 0;
    const { onBytes } = healthy;
    healthy.onBytes = (bytes, length) => {
      const now = performance.now();
      longestGap = Math.max(longestGap, now - last);
      last = now;
      onBytes(bytes, length);
    };
    const bytesBefore = residentBytes(server.pid);
    let bytesMost = bytesBefore;
    const looks = setInterval(() => (bytesMost = Math.max(bytesMost, residentBytes(server.pid))), LOOK_EVERY);
    let timer: NodeJS.Timeout | undefined;
    // When the healthy one is held up as well, the messages never arrive; this is the end then.
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, (duration.measured.seconds + 0.5) * 1000);
    });
    await Promise.race([flow.run(duration.measured), peers.lost, timeUp]);
    clearTimeout(timer);
    clearInterval(looks);
    const end = performance.now();
    const beside = (flow.received - from) / ((end - stalledAt) / 1000);
    return { before, beside, longestGap: Math.max(longestGap, end - last), growth: bytesMost - bytesBefore };
  } finally {
    peers.close();
  }
}
