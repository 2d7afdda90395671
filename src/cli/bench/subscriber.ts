// The receiving half of publish and subscribe.

import { clockFrom, FIRST_NUMBER, lost, readBody, UNMEASURED } from './body.js';
import { connectAll } from './connecting.js';
import { Latencies } from './latency.js';
import type { Goal, Progress, Role, SubscriberTask } from './messages.js';

export async function subscriber(task: SubscriberTask, fail: (error: unknown) => void): Promise<Role> {
  const { channels, shared, port } = task;
  const now = clockFrom(task.epoch);
  const latencies = new Latencies();
  const received = new Float64Array(channels.length);
  const step = shared ? task.step * channels.length : task.step;
  let sum = 0;
  let goal = Infinity;
  const tell = () => {
    const progress: Progress = { received: shared ? Math.min(...received) : sum };
    port.postMessage(progress);
  };
  port.on('message', ({ total }: Goal) => {
    goal = shared ? total * channels.length : total;
    if (sum === goal) tell();
  });
  const clients = await connectAll(task, channels.length, fail);
  for (const [index, client] of clients.entries()) {
    await client.subscribe(channels[index] ?? '', (message) => {
      const { n, at } = readBody(message.body);
      const expected = FIRST_NUMBER + (received[index] ?? 0);
      if (n !== expected) fail(lost(`message ${n - FIRST_NUMBER} came where ${expected - FIRST_NUMBER} was due`));
      if (at > UNMEASURED) latencies.record(now() - at);
      received[index] = (received[index] ?? 0) + 1;
      if (++sum % step === 0 || sum === goal) tell();
    });
  }
  return async () => {
    const latency = latencies.take();
    return { messages: latency.messages, seconds: 0, latency };
  };
}
