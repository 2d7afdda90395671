import { afterEach, describe, expect, it } from '@jest/globals';
import type { Message } from '../../../src/client/index.js';
import type { MemoryNetwork } from '../../../src/testing/network/index.js';
import { memoryNetwork } from '../../../src/testing/network/index.js';

let net: MemoryNetwork | undefined;

function network(options: Parameters<typeof memoryNetwork>[0] = {}): MemoryNetwork {
  net = memoryNetwork({ seed: 7, ...options });
  return net;
}

afterEach(async () => {
  await net?.close();
  expect(net?.clock.timers ?? 0).toBe(0);
  net = undefined;
});

const bodies = (messages: readonly Message[]) => messages.map(({ body }) => body);

describe('A memory network', () => {
  it('joins brokers and clients with no more than await', async () => {
    const net = network();
    await net.broker();
    const [a, b] = [await net.client(), await net.client()];
    const got: Message[] = [];
    await a.subscribe('x/*', (message) => got.push(message));
    await b.publish('x/1', { hello: 'world' });
    await b.flush();
    await net.idle();
    expect(bodies(got)).toEqual([{ hello: 'world' }]);
    await a.provide('square', (x: number) => x * x);
    expect(await b.call('square', 7)).toBe(49);
  });

  it('takes as much virtual time as its latency, and no real time', async () => {
    const net = network({ latency: '50 ms' });
    await net.broker();
    const client = await net.client();
    const before = net.clock.monotonic();
    await net.until(client.flush());
    expect(net.clock.monotonic() - before).toBe(100);
  });

  it('splits without telling anyone, and delivers what was held up when it heals', async () => {
    const net = network();
    const broker = await net.broker();
    const [a, b] = [await net.client({ heartbeat: false }), await net.client({ heartbeat: false })];
    const got: Message[] = [];
    await a.subscribe('n', (message) => got.push(message));
    net.partition([a], [broker]);
    for (let n = 0; n < 3; n++) await b.publish('n', n);
    await b.flush();
    await net.advance('30 s');
    expect(a.state).toBe('connected');
    expect(got).toEqual([]);
    net.heal();
    await net.idle();
    expect(bodies(got)).toEqual([0, 1, 2]);
  });

  it('lets both sides of a partition that lasts notice by their heartbeat, and come together again', async () => {
    const net = network();
    const broker = await net.broker();
    const client = await net.client({ heartbeat: 5000 });
    await client.subscribe('x', () => {});
    net.partition([client], [broker]);
    await net.advance('30 s');
    expect(client.state).toBe('reconnecting');
    expect(broker.stats.connections).toBe(0);
    net.heal();
    await net.advance('30 s');
    expect(client.state).toBe('connected');
    expect(broker.stats).toMatchObject({ connections: 1, subscriptions: 1 });
  });

  it('cuts connections, after which clients come back and subscriptions are restored', async () => {
    const net = network();
    const broker = await net.broker();
    const [a, b] = [await net.client(), await net.client()];
    const got: Message[] = [];
    await a.subscribe('x', (message) => got.push(message));
    net.cut(a, broker);
    await net.idle();
    expect(a.state).toBe('reconnecting');
    await net.advance('1 s');
    await b.publish('x', 'after');
    await b.flush();
    await net.idle();
    expect(bodies(got)).toEqual(['after']);
  });

  it('lets a program hang: back-pressure reaches the broker, which ends the connection at its limit', async () => {
    const net = network();
    const broker = await net.broker({ limits: { outboundBytes: 1_000_000 } });
    const slow = await net.client({ heartbeat: false });
    const healthy = await net.client();
    const publisher = await net.client();
    let healthyGot = 0;
    await slow.subscribe('big', () => {});
    await healthy.subscribe('big', () => healthyGot++);
    net.stall(slow);
    for (let n = 0; n < 30; n++) {
      await publisher.publish('big', 'x'.repeat(50_000));
      await publisher.flush();
    }
    await net.idle();
    expect(healthyGot).toBe(30);
    expect(broker.stats.connections).toBe(2);
    net.heal();
    await net.advance('10 s');
    expect(broker.stats.connections).toBe(3);
  });

  it('kills a broker, and clients find the one that takes its place', async () => {
    const net = network();
    const broker = await net.broker({ name: 'hub' });
    const client = await net.client({ to: 'hub' });
    await client.publish('kept', 1, { persist: true });
    await client.flush();
    await net.crash(broker);
    expect(client.state).toBe('reconnecting');
    const next = await net.broker({ name: 'hub' });
    await net.advance('10 s');
    expect(client.state).toBe('connected');
    expect(next.stats.kept.messages).toBe(0);
  });

  it('runs alike with the same seed, and not with another', async () => {
    const run = async (seed: number) => {
      const net = network({ seed, latency: [1, 20] });
      await net.broker();
      const client = await net.client();
      const times: number[] = [];
      for (let n = 0; n < 5; n++) {
        await net.until(client.flush());
        times.push(net.clock.monotonic());
      }
      await net.close();
      return times;
    };
    const first = await run(3);
    expect(await run(3)).toEqual(first);
    expect(await run(4)).not.toEqual(first);
  });

  it('says so, with its seed, when something will never come about', async () => {
    const net = network();
    await net.broker();
    await expect(net.until(new Promise(() => {}))).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('seed 7'),
    });
  });
});
