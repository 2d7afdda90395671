// Groups of subscriptions over several brokers: one member in the whole cluster gets each message.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, Message } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

let net: MemoryNetwork;
let brokers: Broker[];

beforeEach(async () => {
  net = memoryNetwork({ seed: 5, latency: [1, 20] });
  brokers = [];
  for (let n = 1; n <= 3; n++) brokers.push(await net.broker({ name: `broker-${n}`, cluster: true }));
});

afterEach(async () => {
  await net.close();
});

const at = (n: number, name?: string): Promise<Client> =>
  net.client({ to: `broker-${n}`, ...(name !== undefined && { name }) });

/** A member of a group at a broker, and what it got. */
async function member(n: number, pattern: string, group?: string, client?: Client) {
  const heard: unknown[] = [];
  const one = client ?? (await at(n));
  const subscribed = one.subscribe(pattern, ({ body }: Message) => void heard.push(body), {
    ...(group !== undefined && { group }),
  });
  return { heard, client: one, subscription: await net.until(subscribed) };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** All that the members got, in order of the numbers. */
const together = (...members: readonly { readonly heard: unknown[] }[]): unknown[] =>
  members.flatMap(({ heard }) => heard).sort((a, b) => Number(a) - Number(b));

describe('a group in a cluster', () => {
  it('has one member get each message, wherever the members and the publisher are, each its share', async () => {
    const members = [await member(1, 'jobs/*', 'g'), await member(2, 'jobs/*', 'g'), await member(3, 'jobs/*', 'g')];
    for (const n of [1, 2, 3]) {
      const publisher = await at(n);
      for (const i of numbers(30)) void publisher.publish(`jobs/${i % 4}`, i);
      await net.advance('1 s');
      expect(together(...members)).toEqual(numbers(30));
      for (const { heard } of members) expect(heard.splice(0)).toHaveLength(10);
    }
  });

  it('gives each member its messages in the order of their publisher', async () => {
    const members = [await member(1, 'jobs', 'g'), await member(2, 'jobs', 'g'), await member(2, 'jobs', 'g')];
    const publisher = await at(1);
    for (const i of numbers(60)) void publisher.publish('jobs', i);
    await net.advance('1 s');
    for (const { heard } of members) expect(heard).toEqual([...heard].sort((a, b) => Number(a) - Number(b)));
    expect(together(...members)).toEqual(numbers(60));
  });

  it('is one group, however its members name what they want', async () => {
    const members = [
      await member(1, '**', 'g'),
      await member(2, 'a/*/c', 'g'),
      await member(2, 'a/**/c', 'g'),
      await member(3, '**/c', 'g'),
      await member(3, 'a/b/c', 'g'),
    ];
    const publisher = await at(3);
    for (const i of numbers(40)) void publisher.publish('a/b/c', i);
    await net.advance('1 s');
    expect(together(...members)).toEqual(numbers(40));
    for (const { heard } of members) expect(heard.length).toBeGreaterThan(0);
  });

  it('gives a message to a member that wants it, not to one with another pattern', async () => {
    const [all, some] = [await member(1, 'a/**', 'g'), await member(2, 'a/**/z', 'g')];
    const publisher = await at(3);
    for (const i of numbers(20)) void publisher.publish(`a/${i}`, i);
    await net.advance('1 s');
    expect([all.heard, some.heard]).toEqual([numbers(20), []]);
  });

  it('is chosen from beside other groups, and those who subscribe for themselves', async () => {
    const red = [await member(1, 'jobs/**', 'red'), await member(2, 'jobs/*', 'red')];
    const blue = [await member(2, 'jobs/*', 'blue/**/ü'), await member(3, '*/y', 'blue/**/ü')];
    const { client } = await member(2, 'jobs/x', 'red');
    const plain = [await member(1, 'jobs/**'), await member(2, 'jobs/x', undefined, client), await member(3, 'jobs/*')];
    const publisher = await at(1);
    for (const i of numbers(30)) void publisher.publish('jobs/y', i);
    await net.advance('1 s');
    expect(together(...red)).toEqual(numbers(30));
    expect(together(...blue)).toEqual(numbers(30));
    for (const one of [plain[0], plain[2]]) expect(one?.heard).toEqual(numbers(30));
  });

  it('knows a member everywhere when its subscribe has resolved', async () => {
    const publisher = await at(1);
    for (const i of numbers(10)) {
      const one = await member(2 + (i % 2), `jobs/${i}`, 'g');
      await net.until(publisher.publish(`jobs/${i}`, 'now'));
      await net.advance('1 s');
      expect(one.heard).toEqual(['now']);
    }
  });

  it('loses nothing when a member leaves, whoever chose it', async () => {
    const [stays, leaves] = [await member(1, 'jobs', 'g'), await member(2, 'jobs', 'g')];
    const publisher = await at(3);
    for (const i of numbers(40)) {
      void publisher.publish('jobs', i);
      await net.advance(2);
      if (i === 20) void leaves.subscription.unsubscribe();
    }
    await net.advance('1 s');
    expect(together(stays, leaves)).toEqual(numbers(40));
    expect(leaves.heard.length).toBeLessThan(20);
  });

  it('leaves out a member that has stalled while another one has not, at whatever broker', async () => {
    const [stalls, works] = [await member(2, 'jobs', 'g', await at(2, 'stalls')), await member(3, 'jobs', 'g')];
    const publisher = await at(1);
    net.stall('stalls');
    const big = 'x'.repeat(20_000);
    for (const i of numbers(100)) {
      await net.until(publisher.publish('jobs', `${i} ${big}`));
      await net.advance(50);
    }
    await net.advance('1 s');
    expect(works.heard.length).toBeGreaterThan(85);
    net.heal();
    await net.advance('1 s');
    expect(together(stalls, works)).toHaveLength(100);
    expect(new Set(together(stalls, works)).size).toBe(100);
  });

  it('does not choose the publisher itself when that wants nothing back', async () => {
    const own = await member(1, 'jobs', 'g');
    const other = await member(2, 'jobs', 'g');
    for (const i of numbers(10)) void own.client.publish('jobs', i, { bounce: false });
    await net.advance('1 s');
    expect([own.heard, other.heard]).toEqual([[], numbers(10)]);
  });

  it('gets persistent messages as they are published, and none that were kept', async () => {
    const publisher = await at(1);
    await net.until(publisher.publish('jobs', 'before', { persist: true }));
    const members = [await member(2, 'jobs', 'g'), await member(3, 'jobs', 'g')];
    for (const i of numbers(10)) await net.until(publisher.publish('jobs', i, { persist: true }));
    await net.advance('1 s');
    expect(together(...members)).toEqual(numbers(10));
  });

  it('goes on with members of one broker while the engine is away, and with all when it is back', async () => {
    const [near, far] = [await member(1, 'jobs', 'g'), await member(2, 'jobs', 'g')];
    const publisher = await at(1);
    net.engine.stop();
    await net.advance('1 s');
    for (const i of numbers(10)) void publisher.publish('jobs', i);
    await net.advance('1 s');
    expect(near.heard.splice(0)).toEqual(numbers(10));
    await net.advance('20 s');
    net.engine.start();
    await net.advance('2 s');
    for (const i of numbers(10)) void publisher.publish('jobs', i);
    await net.advance('1 s');
    expect(together(near, far)).toEqual(numbers(10));
    expect(far.heard).toHaveLength(5);
  });

  it('has members of a killed broker chosen no more when the first message for them has not come through', async () => {
    const [dead, alive] = [await member(2, 'jobs', 'g'), await member(3, 'jobs', 'g')];
    const publisher = await at(1);
    const [, second] = brokers;
    if (second !== undefined) await net.crash(second);
    await dead.client.close();
    for (const i of numbers(20)) {
      void publisher.publish('jobs', i);
      await net.advance(100);
    }
    expect(alive.heard.length).toBeGreaterThanOrEqual(19);
  });

  it('knows of the members elsewhere at a broker that has just opened', async () => {
    const one = await member(1, 'jobs', 'g');
    await net.broker({ name: 'broker-4', cluster: true });
    const publisher = await at(4);
    for (const i of numbers(5)) void publisher.publish('jobs', i);
    await net.advance('1 s');
    expect(one.heard).toEqual(numbers(5));
  });
});

describe('brokers of a cluster', () => {
  it('know of each other, and of those that have left or died', async () => {
    const known = () => brokers.map(({ stats }) => stats.cluster?.brokers);
    expect(known()).toEqual([2, 2, 2]);
    const [first, second] = brokers;
    await net.until(first?.close() ?? Promise.resolve());
    await net.advance(100);
    expect(known().slice(1)).toEqual([1, 1]);
    if (second !== undefined) await net.crash(second);
    await net.advance('2 s');
    expect(known()[2]).toBe(1);
    await net.advance('3 s');
    expect(known()[2]).toBe(0);
  });

  it('find each other again after the engine was away for long', async () => {
    net.engine.stop();
    await net.advance('30 s');
    expect(brokers.map(({ stats }) => stats.cluster?.brokers)).toEqual([0, 0, 0]);
    net.engine.start();
    await net.advance('1 s');
    expect(brokers.map(({ stats }) => stats.cluster?.brokers)).toEqual([2, 2, 2]);
  });
});
