// What a subscriber that does not read gets afterwards, by what its subscription said.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import type { SubscribeOptions } from '../../../src/client/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

let network: MemoryNetwork;
let broker: Broker;
let slow: Client;
let publisher: Client;
beforeEach(() => {
  network = memoryNetwork();
});
afterEach(async () => network.close());

async function connect(): Promise<void> {
  broker = await network.broker({ limits: { outboundBytes: 4_000_000, holdTime: 2000 } });
  slow = await network.client({ name: 'slow' });
  publisher = await network.client({ name: 'publisher' });
}

/** Subscribes, and writes down numbers and what was missed, in order. */
async function listen(pattern: string, options: SubscribeOptions = {}) {
  const seen: (number | string)[] = [];
  const subscription = await network.until(
    slow.subscribe(pattern, ({ body }) => seen.push(numberOf(body)), {
      missed: (count) => seen.push(`missed ${count}`),
      ...options,
    }),
  );
  return { seen, subscription };
}

const numberOf = (body: unknown) => Number(/^\d+/.exec(String(body))?.[0]);
const big = (n: number) => `${n} `.padEnd(1000, '.');

/** Publishes numbers in messages of 1 kB, and lets them pass. */
async function publish(from: number, to: number, channel: (n: number) => string = () => 'x'): Promise<void> {
  for (let n = from; n <= to; n++) {
    // Not awaited: it may be held.
    void publisher.publish(channel(n), big(n));
    if (n % 20 === 0) await network.idle();
  }
  await network.idle();
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const numbers = (seen: readonly unknown[]) => seen.filter((one): one is number => typeof one === 'number');
const missed = (seen: readonly unknown[]) =>
  seen.filter((one) => typeof one === 'string').reduce((sum, text) => sum + Number(String(text).slice(7)), 0);

/** What a slow reader has in the end: in order, and with what it missed all that was published. */
function expectAccounted(seen: readonly unknown[], all: number): void {
  const got = numbers(seen);
  expect(got).toEqual([...got].sort((a, b) => a - b));
  expect(new Set(got).size).toBe(got.length);
  expect(got.length + missed(seen)).toBe(all);
}

describe('a subscriber that does not read', () => {
  beforeEach(connect);

  it.each(['drop-oldest', 'latest'] as const)('misses nothing under %s while it reads', async (policy) => {
    const { seen } = await listen('x', { slow: policy });
    await publish(1, 3000);
    expect(seen).toEqual(upTo(3000));
  });

  it('gets what fits its buffers and the latest 1,000 under drop-oldest, and is told how many it missed', async () => {
    const { seen, subscription } = await listen('x', { slow: 'drop-oldest' });
    network.stall('slow');
    await publish(1, 3000);
    network.heal();
    await network.idle();
    await publish(3001, 3001);
    expectAccounted(seen, 3001);
    expect(numbers(seen).slice(-1001)).toEqual(upTo(3001).slice(-1001));
    expect(subscription.missed).toBe(missed(seen));
    expect(subscription.missed).toBeGreaterThan(1500);
    // It is told where they are missing.
    const at = seen.findIndex((one) => typeof one === 'string');
    expect(Number(seen[at + 1]) - Number(seen[at - 1]) - 1).toBe(missed(seen));
  });

  it('gets the latest of each channel under latest', async () => {
    const { seen } = await listen('sensor/*', { slow: 'latest' });
    network.stall('slow');
    await publish(1, 1000, (n) => `sensor/${n % 10}`);
    network.heal();
    await network.idle();
    expectAccounted(seen, 1000);
    expect(numbers(seen).slice(-10)).toEqual(upTo(1000).slice(-10));
    expect(numbers(seen).length).toBeLessThan(300);
  });

  it('holds its publisher under hold, and gets everything', async () => {
    const { seen } = await listen('x', { slow: 'hold' });
    network.stall('slow');
    await publish(1, 3000);
    expect(seen).toEqual([]);
    // It waits with the publisher, and not in the broker.
    expect(broker.stats.outboundBytes).toBeLessThan(300_000);
    network.heal();
    await network.advance(100);
    await publish(3001, 3010);
    expect(seen).toEqual(upTo(3010));
  });

  it('is ended when it has held a publisher for limits.holdTime, and the publisher goes on', async () => {
    const other = await network.client();
    const got: unknown[] = [];
    await network.until(other.subscribe('y', ({ body }) => got.push(body)));
    const states: string[] = [];
    slow.on('state', (state) => states.push(state));
    await listen('x', { slow: 'hold' });
    network.stall('slow');
    await publish(1, 1000);
    void publisher.publish('y', 'after');
    await network.advance(1500);
    expect(got).toEqual([]);
    expect(states).toEqual([]);
    await network.advance(1000);
    expect(got).toEqual(['after']);
    expect(states[0]).toBe('reconnecting');
  });

  it('is ended without a policy, when too much waits for it', async () => {
    await listen('x');
    network.stall('slow');
    await publish(1, 5000);
    expect(slow.state).not.toBe('connected');
  });

  it('keeps the order of what must not be left out among what may be', async () => {
    const seen: unknown[] = [];
    await network.until(slow.subscribe('state', ({ body }) => seen.push(numberOf(body)), { slow: 'latest' }));
    await network.until(slow.subscribe('event', ({ body }) => seen.push(numberOf(body))));
    network.stall('slow');
    await publish(1, 1000, (n) => (n % 100 === 0 ? 'event' : 'state'));
    network.heal();
    await network.idle();
    const got = numbers(seen);
    expect(got).toEqual([...got].sort((a, b) => a - b));
    expect(got.filter((n) => n % 100 === 0)).toEqual(upTo(10).map((n) => n * 100));
    expect(got.length).toBeLessThan(300);
  });

  it('gets everything that another of its patterns wants without a policy', async () => {
    const { seen } = await listen('x', { slow: 'latest' });
    await listen('*');
    network.stall('slow');
    await publish(1, 1000);
    network.heal();
    await network.idle();
    expect(numbers(seen)).toEqual(upTo(1000));
  });

  it('says nothing any more when the subscription has ended', async () => {
    const { subscription } = await listen('x', { slow: 'latest' });
    await network.until(subscription.unsubscribe());
    const { seen } = await listen('x');
    network.stall('slow');
    await publish(1, 1000);
    network.heal();
    await network.idle();
    expect(seen).toEqual(upTo(1000));
  });
});

it('cannot hold publishers where the broker forbids it, and is told so', async () => {
  await network.broker({ allowHold: false });
  slow = await network.client();
  const codes: string[] = [];
  slow.on('error', ({ code }) => codes.push(code));
  await listen('x', { slow: 'hold' });
  await network.idle();
  expect(codes).toEqual(['FORBIDDEN']);
});
