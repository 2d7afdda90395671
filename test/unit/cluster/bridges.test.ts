// A bridge between a cluster and another broker: groups and calls reach over both.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Client } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

let net: MemoryNetwork;

beforeEach(async () => {
  net = memoryNetwork({ seed: 11, latency: [1, 10] });
  for (const name of ['inside-1', 'inside-2']) await net.broker({ name, cluster: true });
  await net.broker({ name: 'outside' });
  await net.bridge('outside', 'inside-1');
  await net.advance('1 s');
});

afterEach(async () => {
  await net.close();
});

const at = (to: string): Promise<Client> => net.client({ to });

describe('a call over a bridge into a cluster', () => {
  it.each([
    ['outside', 'inside-2'],
    ['inside-2', 'outside'],
    ['outside', 'inside-1'],
    ['inside-1', 'outside'],
  ])('of a client %s is answered by a provider %s, and is NO_PROVIDER without one', async (from, to) => {
    const [caller, provider] = [await at(from), await at(to)];
    const provided = await net.until(provider.provide('math', (x: number) => x + 1));
    await net.advance('1 s');
    expect(await net.until(caller.call('math', 1))).toBe(2);
    await net.until(provided.close());
    await net.advance('1 s');
    await expect(net.until(caller.call('math', 1))).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });
});

describe('a group over a bridge into a cluster', () => {
  it('has one member get each message, wherever it enters', async () => {
    const heard: unknown[] = [];
    for (const name of ['inside-1', 'inside-2', 'outside']) {
      await net.until((await at(name)).subscribe('jobs', ({ body }) => void heard.push(body), { group: 'g' }));
    }
    await net.advance('1 s');
    for (const name of ['inside-1', 'inside-2', 'outside']) {
      const publisher = await at(name);
      for (let n = 0; n < 10; n++) void publisher.publish('jobs', `${name} ${n}`);
    }
    await net.advance('1 s');
    expect(heard).toHaveLength(30);
    expect(new Set(heard).size).toBe(30);
  });

  it.each([
    ['outside', 'inside-2'],
    ['inside-2', 'outside'],
  ])('has the only member get what is published %s, when that is %s', async (from, to) => {
    const heard: unknown[] = [];
    await net.until((await at(to)).subscribe('jobs', ({ body }) => void heard.push(body), { group: 'g' }));
    await net.advance('1 s');
    const publisher = await at(from);
    for (let n = 0; n < 5; n++) void publisher.publish('jobs', n);
    await net.advance('1 s');
    expect(heard).toEqual([0, 1, 2, 3, 4]);
  });
});
