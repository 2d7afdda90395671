// Remote calls, both halves.

import { clockFrom, FIRST_NUMBER, lost, padding, readBody } from './body.js';
import { connectAll } from './connecting.js';
import { Latencies } from './latency.js';
import type { Answer, CallerTask, ProviderTask, Role } from './messages.js';
import { keepPace } from './pace.js';

/** Calls on their way at most, when they go at a rate. */
const WINDOW = 10_000;

export async function provider(task: ProviderTask, fail: (error: unknown) => void): Promise<Role> {
  const [client] = await connectAll(task, 1, fail);
  await client?.provide(task.name, (argument: unknown) => argument);
  return () => Promise.reject(new TypeError('a provider takes no orders'));
}

export async function caller(task: CallerTask, fail: (error: unknown) => void): Promise<Role> {
  const { name, connections, payload, inFlight } = task;
  const now = clockFrom(task.epoch);
  const pad = padding(payload);
  const clients = await connectAll(task, connections, fail);
  const latencies = new Latencies();
  let calls = 0;
  let waiting = 0;
  let wake: () => void = () => {};

  const call = async (index: number, at: number): Promise<void> => {
    const n = FIRST_NUMBER + calls++;
    const result = readBody(await clients[index]?.call(name, { n, at, pad }));
    if (result.n !== n) throw lost(`call ${n - FIRST_NUMBER} got the answer of call ${result.n - FIRST_NUMBER}`);
  };

  const flood = async (seconds: number): Promise<Answer> => {
    const from = calls;
    const start = performance.now();
    const callOnAndOn = async (index: number) => {
      while (performance.now() < start + seconds * 1000) await call(index, now());
    };
    const loops = clients.flatMap((_, index) => Array.from({ length: inFlight }, () => callOnAndOn(index)));
    await Promise.all(loops);
    return { messages: calls - from, seconds: (performance.now() - start) / 1000 };
  };
  const pace = async (rate: number, seconds: number, measured: boolean): Promise<Answer> => {
    const start = performance.now();
    const until = async (most: number) => {
      while (waiting > most) await new Promise<void>((resolve) => (wake = resolve));
    };
    const timed = async (at: number) => {
      waiting++;
      await call(calls % clients.length, at);
      if (measured) latencies.record(now() - at);
      waiting--;
      wake();
    };
    const messages = await keepPace({
      rate,
      seconds,
      now,
      send: (at) => void timed(at).catch(fail),
      room: () => (waiting < WINDOW ? undefined : until(WINDOW - 1)),
      awake: true,
    });
    await until(0);
    return { messages, seconds: (performance.now() - start) / 1000, latency: latencies.take() };
  };

  return async (order) => {
    if (order.order === 'flood') return flood(order.seconds);
    if (order.order === 'pace') return pace(order.rate, order.seconds, order.measured);
    throw new TypeError('a caller takes nothing');
  };
}
