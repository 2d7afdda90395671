// Brokers of the peers on one side of a bridge, or on both: docs/bridges.md#brokers-of-the-peers.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bridge, Broker, Client, Message } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { PlainBroker } from '../../support/plain-broker.js';

let net: MemoryNetwork;
const plain: PlainBroker[] = [];
beforeEach(() => {
  net = memoryNetwork({ seed: 3 });
});
afterEach(async () => {
  for (const broker of plain.splice(0)) await broker.close();
  await net.close();
});

async function foreign(name: string): Promise<PlainBroker> {
  const broker = await PlainBroker.start(net.transport(name), `memory://${name}`, net.clock);
  plain.push(broker);
  return broker;
}

/** A client with a broker of either kind, and what it hears. */
async function member(to: string, pattern: string): Promise<{ client: Client; heard: unknown[] }> {
  const client = await net.client({ to });
  const heard: unknown[] = [];
  await net.until(client.subscribe(pattern, ({ body }: Message) => heard.push(body), { bounce: false }));
  return { client, heard };
}

describe.each([
  ['a broker of ours and one of the peers', false, true],
  ['two brokers of the peers', true, true],
])('%s', (_what, firstIsForeign, secondIsForeign) => {
  let bridge: Bridge;
  beforeEach(async () => {
    for (const [name, isForeign] of [
      ['one', firstIsForeign],
      ['two', secondIsForeign],
    ] as const) {
      if (isForeign) await foreign(name);
      else await net.broker({ name });
    }
    bridge = await net.bridge('one', 'two', { name: 'bridge' });
  });

  it('are one network: messages both ways, once and in order', async () => {
    const one = await member('one', 'x/*');
    const two = await member('two', 'x/*');
    for (let n = 0; n < 50; n++) {
      void one.client.publish('x/1', `one ${n}`);
      void two.client.publish('x/2', `two ${n}`);
      // The same again, in the same instant.
      void one.client.publish('x/3', 'same');
    }
    await net.idle();
    for (const { heard } of [one, two]) {
      expect(heard.filter((body) => String(body).startsWith('one'))).toEqual(
        Array.from({ length: 50 }, (_, n) => `one ${n}`),
      );
      expect(heard.filter((body) => String(body).startsWith('two'))).toEqual(
        Array.from({ length: 50 }, (_, n) => `two ${n}`),
      );
      expect(heard.filter((body) => body === 'same')).toHaveLength(50);
    }
    expect(bridge.status).toMatchObject({
      side1: { bridging: !firstIsForeign, dropped: 0 },
      side2: { bridging: false, dropped: 0 },
    });
  });

  it('keep the same, also what was there before', async () => {
    const one = await member('one', 'late');
    const two = await member('two', 'late');
    await bridge.close();
    await one.client.publish('k/1', 'from one', { persist: true });
    await two.client.publish('k/2', 'from two', { persist: true });
    await one.client.publish('k/both', 'older', { persist: true, time: 10 });
    await two.client.publish('k/both', 'newer', { persist: true, time: 20 });
    await net.idle();
    await net.bridge('one', 'two', { name: 'another' });
    for (const name of ['one', 'two']) {
      const { heard } = await member(name, 'k/**');
      expect(new Set(heard)).toEqual(new Set(['from one', 'from two', 'newer']));
    }
  });

  it('keep the same again after one was restarted with nothing', async () => {
    const one = await member('one', 'late');
    await one.client.publish('k', 'value', { persist: true });
    await net.idle();
    const [last] = plain.splice(-1);
    await last?.close();
    await net.advance('2 s');
    await foreign('two');
    await net.advance('20 s');
    expect(bridge.state).toBe('connected');
    expect((await member('two', 'k')).heard).toEqual(['value']);
  });

  it('answer calls of each other', async () => {
    const one = await member('one', 'unused');
    const two = await member('two', 'unused');
    await net.until(one.client.provide('math/square', (x: number) => x * x));
    await net.until(two.client.provide('math/half', (x: number) => x / 2));
    await net.idle();
    expect(await net.until(two.client.call('math/square', 7))).toBe(49);
    expect(await net.until(one.client.call('math/half', 8))).toBe(4);
  });

  it('see nothing of the other side but messages', async () => {
    const one = await member('one', '**');
    const two = await member('two', 'unused');
    one.heard.length = 0;
    const third = await member('two', 'x');
    await third.client.publish('x', 'hello');
    await two.client.publish('-control/unknown', 'stays');
    await net.idle();
    expect(one.heard).toEqual(['hello']);
  });

  it('are sent no extension', async () => {
    const one = await member('one', 'x');
    await one.client.publish('x', 1);
    await one.client.publish('y', 1, { persist: true });
    await net.advance('5 min');
    const known = /^(-control\/(hello|subscribe|unsubscribe|(ping|probe)\/.*)|x|y)$/;
    for (const { received } of plain) expect(received.filter((channel) => !known.test(channel))).toEqual([]);
  });
});

describe('a bridge', () => {
  it('brings from a broker of the peers only what is wanted, and all that is kept', async () => {
    await foreign('two');
    const broker = await net.broker({ name: 'one' });
    const bridge = await net.bridge('one', 'two');
    const { client, heard } = await member('one', 'x');
    const two = await member('two', 'unused');
    const before = broker.stats.received;
    for (const channel of ['x', 'y', 'z']) await two.client.publish(channel, channel);
    await two.client.publish('kept', 1, { persist: true });
    await net.idle();
    expect(heard).toEqual(['x']);
    expect(broker.stats.received - before).toBe(2);
    expect(bridge.status.side1.forwarded).toBe(2);
    await client.close();
  });

  it('leaves bodies the bytes they are', async () => {
    const two = await foreign('two');
    await net.broker({ name: 'one' });
    await net.bridge('one', 'two');
    const raw = await net.client({ to: 'one' });
    await raw.publish('k', 12345678901234567890n, { persist: true });
    await net.idle();
    // As this broker of the peers reads it.
    expect(two.kept.get('k')?.body).toBe(JSON.parse('12345678901234567890'));
  });

  it('says no to one broker of the peers under two names, again and again', async () => {
    const broker = await foreign('one');
    await broker.listen(net.transport('one'), 'memory://alias');
    for (let n = 0; n < 2; n++) {
      const bridge = net.prepareBridge('one', 'alias');
      await expect(net.until(bridge.start())).rejects.toMatchObject({ code: 'SAME_BROKER' });
    }
  });
});

describe('several bridges', () => {
  it('between a broker of ours and one of the peers deliver to ours once, and come to rest', async () => {
    await foreign('two');
    await net.broker({ name: 'one' });
    const bridges = [await net.bridge('one', 'two'), await net.bridge('one', 'two')];
    const one = await member('one', 'x');
    const two = await member('two', 'x');
    for (let n = 0; n < 30; n++) void two.client.publish('x', n);
    await net.idle();
    expect(one.heard).toEqual(Array.from({ length: 30 }, (_, n) => n));
    for (let n = 30; n < 60; n++) void one.client.publish('x', n);
    await net.idle();
    expect(one.heard).toEqual(Array.from({ length: 60 }, (_, n) => n));
    // Theirs cannot tell one from the other: once by each bridge at the most, none missing.
    expect(new Set(two.heard).size).toBe(60);
    expect(two.heard.length).toBeLessThanOrEqual(90);
    const before = bridges.map(({ status }) => status.side1.forwarded + status.side2.forwarded);
    await net.advance('60 s');
    expect(bridges.map(({ status }) => status.side1.forwarded + status.side2.forwarded)).toEqual(before);
  });

  it('in a circle of the peers come to rest, and none is missed', async () => {
    for (const name of ['one', 'two', 'three']) await foreign(name);
    const bridges = [
      await net.bridge('one', 'two'),
      await net.bridge('two', 'three'),
      await net.bridge('three', 'one'),
    ];
    const members = [await member('one', 'x'), await member('two', 'x'), await member('three', 'x')];
    await members[0]?.client.publish('x', 1);
    await members[1]?.client.publish('x', 2);
    await net.advance('60 s');
    for (const { heard } of members) expect(new Set(heard)).toEqual(new Set([1, 2]));
    const before = bridges.map(({ status }) => status.side1.forwarded + status.side2.forwarded);
    await net.advance('60 s');
    expect(bridges.map(({ status }) => status.side1.forwarded + status.side2.forwarded)).toEqual(before);
  });

  it('of which one way leads through the peers deliver to ours once', async () => {
    await foreign('two');
    const brokers: Broker[] = [await net.broker({ name: 'one' }), await net.broker({ name: 'three' })];
    await net.bridge('one', 'two');
    await net.bridge('two', 'three');
    await net.bridge('three', 'one');
    const members = [await member('one', 'x'), await member('two', 'x'), await member('three', 'x')];
    for (const [n, { client }] of members.entries()) await client.publish('x', n);
    await net.advance('10 s');
    for (const { heard } of [members[0], members[2]].filter((one) => one !== undefined)) {
      expect(heard).toHaveLength(3);
      expect(new Set(heard)).toEqual(new Set([0, 1, 2]));
    }
    expect(brokers).toHaveLength(2);
  });
});
