// End to end, the sending half: clients that publish objects as fast as the subscribers take them.

import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import type { Body } from '../bodies.js';
import { FIRST_NUMBER, makeBody } from '../bodies.js';
import type { BenchClient, ClientTarget } from '../clients/client.js';
import { CLIENTS } from '../clients/index.js';
import type { Measured } from '../measured.js';
import { measured } from '../measured.js';
import type { Goal, Progress } from './subscriber.js';
import type { Duration, Stretch } from './task.js';
import { isOver } from './task.js';

export interface PublisherTask {
  readonly kind: 'publisher';
  readonly target: ClientTarget;
  /** A channel for each client. */
  readonly channels: readonly string[];
  readonly bodyBytes: number;
  /** Messages published before the last of them is awaited, and messages on their way at most. */
  readonly burst: number;
  readonly window: number;
  readonly duration: Duration;
  /** To the subscriber. */
  readonly port: MessagePort;
}

export async function runPublisher(task: PublisherTask): Promise<Measured> {
  const { channels, bodyBytes, burst, window, duration, port } = task;
  let received = 0;
  let subscribed = false;
  let wake: () => void = () => {};
  port.on('message', (progress: Progress) => {
    if ('received' in progress) received = Math.max(received, progress.received);
    else subscribed = true;
    wake();
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
  };

  const publishers: { client: BenchClient; channel: string; body: Body; seq: number }[] = [];
  for (const [i, channel] of channels.entries()) {
    const client = await CLIENTS[task.target.client](task.target, 'publisher');
    publishers.push({ client, channel, body: makeBody(bodyBytes, 10 + i), seq: FIRST_NUMBER });
  }
  await until(() => subscribed);

  let published = 0;
  let turns = 0;
  const publish = async (stretch: Stretch): Promise<number> => {
    const from = published;
    const since = performance.now();
    while (!isOver(stretch, since, published - from)) {
      await until(() => published + burst - received <= window);
      const publisher = publishers[turns++ % publishers.length];
      if (publisher === undefined) break;
      const { client, channel, body } = publisher;
      let last: unknown;
      for (let i = 0; i < burst; i++) last = client.publish(channel, { ...body, seq: publisher.seq++ });
      published += burst;
      await last;
    }
    const goal: Goal = { total: published };
    port.postMessage(goal);
    await until(() => received >= published);
    return published - from;
  };
  await publish(duration.warmUp);
  const result = await measured(task.target.pid, () => publish(duration.measured));
  await Promise.all(publishers.map(({ client }) => client.close()));
  port.close();
  return result;
}
