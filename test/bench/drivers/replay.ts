// Kept messages: many are published, then someone subscribes to all of them.

import type { MessagePort } from 'node:worker_threads';
import { FIRST_NUMBER, isBody, makeBody } from '../bodies.js';
import type { ClientTarget } from '../clients/client.js';
import { CLIENTS } from '../clients/index.js';
import type { Measured } from '../measured.js';
import { measured } from '../measured.js';
import type { ProbeCommand, ProbeResult } from './probe.js';

export interface ReplayTask {
  readonly kind: 'replay';
  readonly target: ClientTarget;
  readonly messages: number;
  readonly bodyBytes: number;
  /** To a probe, which looks at the server meanwhile. */
  readonly port: MessagePort;
}

export interface ReplayResult extends Measured {
  /** Milliseconds that the probe was kept waiting. */
  readonly longestPause: number;
}

const BURST = 200;
const PREFIX = 'kept';

export async function runReplay({ target, messages, bodyBytes, port }: ReplayTask): Promise<ReplayResult> {
  const publisher = await CLIENTS[target.client](target, 'publisher');
  const body = makeBody(bodyBytes);
  for (let i = 0; i < messages;) {
    const burst = [];
    for (let k = 0; k < BURST && i < messages; k++, i++) {
      burst.push(publisher.keep?.(`${PREFIX}/${i % 100}/${i}`, { ...body, seq: FIRST_NUMBER + i }));
    }
    await Promise.all(burst);
  }
  await publisher.flush?.();
  const reader = await CLIENTS[target.client](target, 'subscriber');
  const received = new Set<number>();
  await ask(port, 'begin');
  const result = await measured(target.pid, async () => {
    let done: () => void = () => {};
    const all = new Promise<void>((resolve) => (done = resolve));
    await reader.replay?.(PREFIX, (value) => {
      if (isBody(value)) received.add(value.seq);
      if (received.size === messages) done();
    });
    await all;
    return messages;
  });
  const { longest } = await ask<ProbeResult>(port, 'end');
  await Promise.all([publisher.close(), reader.close()]);
  port.close();
  return { ...result, longestPause: longest };
}

async function ask<R>(port: MessagePort, command: ProbeCommand): Promise<R> {
  const answer = new Promise<R>((resolve) => port.once('message', resolve));
  port.postMessage(command);
  return answer;
}
