// Groups with members on both sides of bridges: one of them gets each message.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SubscribeOptions } from '../../../src/client/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';
import { PlainBroker } from '../../support/plain-broker.js';

let network: MemoryNetwork;
beforeEach(() => {
  network = memoryNetwork();
});
afterEach(async () => network.close());

/** Subscribes, and collects the bodies. */
async function listen(client: Client, pattern: string, options: SubscribeOptions = {}) {
  const bodies: unknown[] = [];
  const subscription = await network.until(client.subscribe(pattern, ({ body }) => bodies.push(body), options));
  return { bodies, subscription };
}

/** A client of this broker as a member of the group, which is known everywhere. */
async function member(to: string, pattern = 'jobs/*', group = 'workers') {
  const client = await network.client({ to });
  const listener = await listen(client, pattern, { group });
  await network.idle();
  return { ...listener, client };
}

async function publish(to: string, from: number, last: number, channel = 'jobs/x'): Promise<void> {
  const client = await network.client({ to });
  for (let n = from; n <= last; n++) await client.publish(channel, n);
  await network.until(client.flush());
  await network.idle();
  await network.until(client.close());
}

const together = (...members: readonly { readonly bodies: readonly unknown[] }[]) =>
  members.flatMap(({ bodies }) => bodies).toSorted((a, b) => Number(a) - Number(b));

describe('of two brokers', () => {
  beforeEach(async () => {
    await network.broker({ name: 'one' });
    await network.broker({ name: 'two' });
    await network.bridge('one', 'two', { name: 'bridge' });
  });

  it('a message goes to a member of the broker where it was published', async () => {
    const [here, there] = [await member('one'), await member('two')];
    await publish('one', 1, 4);
    await publish('two', 5, 6);
    expect(here.bodies).toEqual([1, 2, 3, 4]);
    expect(there.bodies).toEqual([5, 6]);
  });

  it('a message goes to the other one when only that has members, to one of them', async () => {
    const [a, b] = [await member('two'), await member('two')];
    await publish('one', 1, 4);
    expect([a.bodies, b.bodies]).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it('those who subscribed without a group get every message once, wherever they are', async () => {
    const [here, there] = [await network.client({ to: 'one' }), await network.client({ to: 'two' })];
    const [near, far] = [await listen(here, 'jobs/**'), await listen(there, 'jobs/**')];
    const worker = await member('two');
    const same = await listen(worker.client, 'jobs/*');
    await publish('one', 1, 2);
    for (const { bodies } of [near, far, worker, same]) expect(bodies).toEqual([1, 2]);
  });

  it('a persistent message is kept on both, and executed once', async () => {
    const worker = await member('two');
    const client = await network.client({ to: 'one' });
    await network.until(client.publish('jobs/x', 'do', { persist: true }));
    await network.idle();
    expect(worker.bodies).toEqual(['do']);
    expect(await network.until(worker.client.kept.get('jobs/x'))).toMatchObject({ body: 'do' });
  });

  it('a member that leaves is no longer chosen', async () => {
    const [here, there] = [await member('one'), await member('two')];
    await network.until(here.subscription.unsubscribe());
    await publish('one', 1, 2);
    expect(there.bodies).toEqual([1, 2]);
    await network.until(there.subscription.unsubscribe());
    await network.idle();
    await publish('one', 3, 3);
    expect(together(here, there)).toEqual([1, 2]);
  });

  it('groups of one name for several patterns are one', async () => {
    const [here, there] = [await member('one', 'jobs/**'), await member('two', 'jobs/*')];
    await publish('one', 1, 2);
    expect([here.bodies, there.bodies]).toEqual([[1, 2], []]);
  });

  it('names may hold anything', async () => {
    const there = await member('two', 'jobs/**', 'a/*/%2f ü');
    await publish('one', 1, 2);
    expect(there.bodies).toEqual([1, 2]);
  });

  it('while the other one is away, members of this one get what they can take', async () => {
    const there = await member('two');
    network.cut('bridge', 'two');
    const here = await member('one');
    await publish('one', 1, 2);
    expect(here.bodies).toEqual([1, 2]);
    await network.until(here.subscription.unsubscribe());
    // Nobody else is left: it waits for the other side.
    await publish('one', 3, 3);
    await network.advance('5 s');
    expect(there.bodies).toEqual([3]);
  });

  it('a stalled member is left out for one of the other broker', async () => {
    const stalled = await network.client({ to: 'one', name: 'stalled' });
    const here = await listen(stalled, 'jobs/*', { group: 'workers' });
    const there = await member('two');
    network.stall('stalled');
    const publisher = await network.client({ to: 'one' });
    for (let n = 0; n < 50; n++) {
      await publisher.publish('jobs/x', 'x'.repeat(20_000));
      await network.idle();
    }
    expect(there.bodies.length).toBeGreaterThan(40);
    network.heal();
    await network.idle();
    expect(here.bodies.length + there.bodies.length).toBe(50);
  });
});

it.each([
  ['a line', ['ab', 'bc', 'cd']],
  ['a triangle and one more', ['ab', 'bc', 'ca', 'cd']],
  ['a ring', ['ab', 'bc', 'cd', 'da']],
  ['all with all', ['ab', 'ac', 'ad', 'bc', 'bd', 'cd']],
])('each message is executed once in %s of four brokers', async (_, bridges) => {
  for (const name of 'abcd') await network.broker({ name });
  for (const [one = '', two = ''] of bridges) await network.bridge(one, two);
  const far = await member('d');
  await network.advance('1 s');
  await publish('a', 1, 3);
  expect(far.bodies).toEqual([1, 2, 3]);
  const near = await member('b');
  const plain = await listen(await network.client({ to: 'c' }), 'jobs/*');
  await network.advance('1 s');
  await publish('a', 4, 9);
  await publish('c', 10, 12);
  await publish('d', 13, 14);
  expect(together(far, near)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  expect(plain.bodies).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
});

it('what comes from a broker of the peers goes to one member of ours, and everything goes there', async () => {
  const plain = await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
  await network.broker({ name: 'one' });
  await network.broker({ name: 'two' });
  await network.bridge('one', 'two');
  await network.bridge('plain', 'one');
  const [here, there] = [await member('one'), await member('two')];
  const peer = await listen(await network.client({ to: 'plain' }), 'jobs/*');
  await publish('plain', 1, 3);
  expect(here.bodies).toEqual([1, 2, 3]);
  await network.until(here.subscription.unsubscribe());
  await publish('plain', 4, 5);
  await publish('one', 6, 7);
  expect(there.bodies).toEqual([4, 5, 6, 7]);
  expect(peer.bodies).toEqual([1, 2, 3, 4, 5, 6, 7]);
  await network.close();
  await plain.close();
});
