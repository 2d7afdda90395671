// Many connections that subscribed to something and then say nothing: the memory of the server for each of them.

import { settledBytes } from './settled.js';
import { RawPeers } from './sockets.js';
import type { ServerAddress } from './task.js';

export interface IdleTask {
  readonly kind: 'idle';
  readonly server: ServerAddress;
  readonly connections: number;
  /** Milliseconds between looks at the server's memory; two that hardly differ end the measurement. */
  readonly settle: number;
}

export interface IdleResult {
  readonly bytesPerConnection: number;
}

const AT_ONCE = 50;

export async function runIdle({ server, connections, settle }: IdleTask): Promise<IdleResult> {
  const peers = new RawPeers(server.wire, server.port);
  try {
    // The first ones bring the server's code and pools to life.
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => peers.subscriber([`idle/warm/${i}`])));
    const before = await settledBytes(server.pid, settle);
    for (let i = 0; i < connections; i += AT_ONCE) {
      const some = Math.min(AT_ONCE, connections - i);
      await Promise.all(Array.from({ length: some }, (_, k) => peers.subscriber([`idle/${i + k}`])));
    }
    const after = await Promise.race([settledBytes(server.pid, settle), peers.lost]);
    return { bytesPerConnection: (after - before) / connections };
  } finally {
    peers.close();
  }
}
