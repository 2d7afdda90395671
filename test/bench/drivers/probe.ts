// Somebody else's connection while a server is busy: one small message at a time, and how long the slowest takes to come back.

import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { Flow } from './flow.js';
import { RawPeers } from './sockets.js';
import type { ServerAddress } from './task.js';

export interface ProbeTask {
  readonly kind: 'probe';
  readonly server: ServerAddress;
  /** To whoever keeps the server busy. */
  readonly port: MessagePort;
}

/** To the probe. It answers `begin` when it is ready, and `end` with its `ProbeResult`. */
export type ProbeCommand = 'begin' | 'end';

export interface ProbeResult {
  /** Milliseconds from writing a message to having it back: the longest between `begin` and `end`. */
  readonly longest: number;
}

const PAUSE = 1;
const ONE = { seconds: 1, least: 1, most: 1 };
const CHANNEL = 'probe/beat';
const TRAFFIC = { pattern: CHANNEL, publishers: [[CHANNEL]], bodyBytes: 128, batch: 1, window: 1 };

/** Ends when its thread is ended. */
export async function runProbe({ server, port }: ProbeTask): Promise<never> {
  const peers = new RawPeers(server.wire, server.port);
  const subscriber = await peers.subscriber([CHANNEL]);
  const flow = new Flow({ ...TRAFFIC, wire: peers.wire }, [await peers.publisher()], [subscriber]);
  let longest = 0;
  let sent = performance.now();
  port.on('message', (command: ProbeCommand) => {
    if (command === 'begin') {
      longest = 0;
      sent = performance.now();
      port.postMessage('ready');
    } else {
      // What is still on its way has taken so long already.
      const result: ProbeResult = { longest: Math.max(longest, performance.now() - sent) };
      port.postMessage(result);
    }
  });
  for (;;) {
    sent = performance.now();
    await Promise.race([flow.run(ONE), peers.lost]);
    longest = Math.max(longest, performance.now() - sent);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
