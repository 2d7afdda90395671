// A side that is away or slow: what waits for it, what is given up, and what is sent again.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bridge, Broker, Client, Message } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

let net: MemoryNetwork;
let a: Broker;
let b: Broker;
let bridge: Bridge;
let publisher: Client;
const heard: unknown[] = [];

beforeEach(async () => {
  net = memoryNetwork({ seed: 5 });
  a = await net.broker({ name: 'a' });
  b = await net.broker({ name: 'b' });
  bridge = await net.bridge(a, b, { name: 'bridge' });
  publisher = await net.client({ to: a });
  heard.length = 0;
  const listener = await net.client({ to: b });
  await listener.subscribe('x/**', ({ body }: Message) => heard.push(body));
  await net.idle();
});
afterEach(async () => net.close());

describe('a side that is away', () => {
  it('misses nothing while it is away for a moment, and gets it in order', async () => {
    await publisher.publish('x', 1);
    await net.idle();
    net.cut('bridge', 'b');
    for (const n of [2, 3, 4]) await publisher.publish('x', n);
    await net.idle();
    expect(bridge.status).toMatchObject({ state: 'connecting', side2: { connected: false, waiting: { messages: 3 } } });
    await net.advance(50);
    expect(bridge.status.side2.lag).toBe(50);
    await net.advance('2 s');
    expect(heard).toEqual([1, 2, 3, 4]);
    expect(bridge.status).toMatchObject({
      state: 'connected',
      side2: { connected: true, waiting: { messages: 0, bytes: 0 }, lag: 0, dropped: 0, forwarded: 4 },
    });
  });

  it('gets no event that an earlier life of its broker may have had, but all that is kept', async () => {
    await net.crash(b);
    await publisher.publish('x', 'an event');
    await publisher.publish('x/kept', 'a value', { persist: true });
    await net.idle();
    expect(bridge.status.side2.waiting.messages).toBe(1);
    b = await net.broker({ name: 'b' });
    await net.advance('10 s');
    // The listener came back as well.
    expect(heard).toEqual(['a value']);
    expect(bridge.status.side2.dropped).toBe(1);
    await publisher.publish('x', 'a new event');
    await net.idle();
    expect(heard).toEqual(['a value', 'a new event']);
  });

  it('is not waited for longer than half a minute: nothing is asked for in its name then', async () => {
    net.partition(['bridge'], ['b']);
    await net.advance('40 s');
    expect(bridge.status.side2.connected).toBe(false);
    await publisher.publish('x', 1);
    await net.idle();
    expect(bridge.status.side2.waiting.messages).toBe(1);
    await net.advance('30 s');
    expect(bridge.status.side2).toMatchObject({ waiting: { messages: 0 }, dropped: 1 });
    await publisher.publish('x', 2);
    await net.idle();
    expect(bridge.status.side2).toMatchObject({ waiting: { messages: 0 }, dropped: 1 });
    net.heal();
    await net.advance('30 s');
    await publisher.publish('x', 3);
    await net.idle();
    expect(heard).toEqual([3]);
  });

  it('does not hold up the other one, and costs a bounded memory', async () => {
    await net.crash(bridge);
    bridge = await net.bridge(a, b, { name: 'bridge', limits: { offlineBytes: 10_000 } });
    net.stall('b');
    const atA = await net.client({ to: a });
    let back = 0;
    await atA.subscribe('x', () => back++);
    for (let n = 0; n < 300; n++) await publisher.publish('x', `${n} ${'x'.repeat(1000)}`);
    await net.idle();
    expect(back).toBe(300);
    const { waiting, dropped } = bridge.status.side2;
    expect(waiting.bytes).toBeLessThanOrEqual(10_000);
    expect(dropped).toBeGreaterThan(100);
    net.heal();
    await net.advance('5 s');
    const numbers = heard.map((text) => Number(String(text).split(' ')[0]));
    expect(numbers.length).toBe(300 - dropped);
    expect(numbers).toEqual([...numbers].sort((left, right) => left - right));
    expect(numbers.at(-1)).toBe(299);
  });

  it('gets what is kept in the end, however slowly it takes it', async () => {
    for (let n = 0; n < 400; n++) await publisher.publish(`x/${n}`, `${n} ${'x'.repeat(1000)}`, { persist: true });
    await net.idle();
    await net.crash(bridge);
    await net.crash(b);
    b = await net.broker({ name: 'b' });
    net.latency('20 ms');
    bridge = net.prepareBridge(a, b, { name: 'bridge', limits: { offlineBytes: 50_000 } });
    await net.until(bridge.start());
    expect(b.stats.kept.messages).toBe(400);
  });

  it('gets what is kept in the end, though it could not take it at first', async () => {
    await net.crash(bridge);
    bridge = await net.bridge(a, b, { name: 'bridge', limits: { offlineBytes: 10_000 } });
    net.stall('b');
    for (let n = 0; n < 300; n++) await publisher.publish(`x/${n}`, `${n} ${'x'.repeat(1000)}`, { persist: true });
    await net.idle();
    expect(bridge.status.side2.dropped).toBeGreaterThan(0);
    expect(b.stats.kept.messages).toBeLessThan(300);
    net.heal();
    await net.advance('10 s');
    expect(b.stats.kept.messages).toBe(300);
    expect(bridge.state).toBe('connected');
  });
});

describe('a bridge', () => {
  it('tells of its states, and ends for good', async () => {
    const states: string[] = [];
    const sides: string[] = [];
    bridge.on('state', (state) => states.push(state));
    bridge.on('side', (side, connected, error) => sides.push(`${side} ${connected} ${error?.code ?? ''}`));
    net.cut('bridge', 'a');
    await net.advance('2 s');
    await net.until(bridge.close());
    expect(states).toEqual(['connecting', 'connected', 'closed']);
    expect(sides).toEqual(['1 false CONNECTION_LOST', '1 true ']);
    await expect(bridge.start()).rejects.toMatchObject({ code: 'CLOSED' });
    await bridge.close();
    await publisher.publish('x', 1);
    await net.advance('10 s');
    expect(heard).toEqual([]);
  });

  it('waits for brokers that are not there yet, and can be told for how long', async () => {
    const late = net.prepareBridge(a, 'late');
    const failures: string[] = [];
    late.on('retry', (side, error) => failures.push(`${side} ${error.code}`));
    const started = late.start();
    await net.advance('1 s');
    expect(failures[0]).toBe('2 CONNECT_FAILED');
    const there = await net.broker({ name: 'late' });
    await net.until(started);
    expect(late.state).toBe('connected');
    await net.until(late.close());
    await net.until(there.close());

    const never = net.prepareBridge(a, 'late');
    const given = expect(never.start({ timeout: 3000 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    await net.advance('4 s');
    await given;
    expect(never.state).toBe('closed');
  });

  it('stops asking when nobody wants any more, in a circle too', async () => {
    const c = await net.broker({ name: 'c' });
    await net.bridge(b, c);
    await net.bridge(c, a);
    await net.bridge(a, b);
    const atC = await net.client({ to: c });
    const subscription = await atC.subscribe('y', () => {});
    await net.idle();
    await publisher.publish('y', 1);
    await net.idle();
    await subscription.unsubscribe();
    await net.idle();
    const before = [a, b, c].map(({ stats }) => stats.received);
    await publisher.publish('y', 2);
    await net.idle();
    const after = [a, b, c].map(({ stats }) => stats.received);
    expect(after).toEqual([(before[0] ?? 0) + 1, before[1], before[2]]);
  });
});
