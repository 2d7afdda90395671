// The sending half of publish and subscribe.

import { clockFrom, FIRST_NUMBER, lost, padding, UNMEASURED } from './body.js';
import { connectAll } from './connecting.js';
import type { Answer, Goal, Progress, PublisherTask, Role } from './messages.js';
import { keepPace } from './pace.js';

const BURST = 32;
const PATIENCE = 5000;

export async function publisher(task: PublisherTask, fail: (error: unknown) => void): Promise<Role> {
  const { channels, payload, window, port } = task;
  const now = clockFrom(task.epoch);
  const pad = padding(payload);
  const clients = await connectAll(task, channels.length, fail);
  const burst = Math.min(BURST, Math.ceil(window / 4));
  let published = 0;
  let received = 0;
  let wake: () => void = () => {};
  port.on('message', (progress: Progress) => {
    received = progress.received;
    wake();
  });

  // Connections take turns.
  const publish = (at: number): Promise<void> | undefined => {
    const index = published % clients.length;
    const n = FIRST_NUMBER + Math.floor(published / clients.length);
    published++;
    return clients[index]?.publish(channels[index] ?? '', { n, at, pad });
  };
  const until = async (reached: () => boolean) => {
    let [before, since] = [received, performance.now()];
    while (!reached()) {
      const timer = setTimeout(() => wake(), PATIENCE);
      await new Promise<void>((resolve) => (wake = resolve));
      clearTimeout(timer);
      // Also told of what is no progress: one of many receivers that is ahead.
      if (received > before) [before, since] = [received, performance.now()];
      else if (performance.now() - since >= PATIENCE) throw missing(published, received);
    }
  };
  const allReceived = async () => {
    const goal: Goal = { total: published };
    port.postMessage(goal);
    await until(() => received >= published);
  };

  const flood = async (seconds: number): Promise<Answer> => {
    const from = published;
    const start = performance.now();
    while (performance.now() < start + seconds * 1000) {
      await until(() => published + burst - received <= window);
      let last: Promise<void> | undefined;
      for (let i = 0; i < burst; i++) last = publish(UNMEASURED);
      await last;
    }
    await allReceived();
    return { messages: published - from, seconds: (performance.now() - start) / 1000 };
  };
  const pace = async (rate: number, seconds: number, measured: boolean): Promise<Answer> => {
    const start = performance.now();
    const room = () =>
      published + 1 - received <= window ? undefined : until(() => published + 1 - received <= window);
    const send = (at: number) => {
      publish(measured ? at : UNMEASURED)?.catch(fail);
    };
    const messages = await keepPace({ rate, seconds, now, send, room, awake: false });
    await allReceived();
    return { messages, seconds: (performance.now() - start) / 1000 };
  };

  return async (order) => {
    if (order.order === 'flood') return flood(order.seconds);
    if (order.order === 'pace') return pace(order.rate, order.seconds, order.measured);
    throw new TypeError('a publisher takes nothing');
  };
}

function missing(published: number, received: number): Error {
  const silence = `nothing has for ${PATIENCE / 1000} s`;
  return lost(`${published - received} of ${published} messages have not arrived, and ${silence}`);
}
