// Two brokers of ours and a bridge are one network.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, Message } from 'spoke';
import { SpokeError } from 'spoke';
import { memoryNetwork } from 'spoke/testing';
import type { MemoryNetwork } from 'spoke/testing';
import { RawConnection } from '../../support/raw-connection.js';

let net: MemoryNetwork;
let a: Broker;
let b: Broker;
beforeEach(async () => {
  net = memoryNetwork({ seed: 11 });
  a = await net.broker({ name: 'a' });
  b = await net.broker({ name: 'b' });
});
afterEach(async () => net.close());

/** Bodies that a new client at this broker gets. */
async function listening(to: Broker | string, pattern: string): Promise<{ client: Client; bodies: unknown[] }> {
  const client = await net.client({ to });
  const bodies: unknown[] = [];
  await client.subscribe(pattern, (message: Message) => bodies.push(message.body));
  return { client, bodies };
}

describe('a bridge between two brokers', () => {
  it('passes messages on, both ways, in order, and to those who want them only', async () => {
    const atA = await net.client({ to: a });
    const inB = await listening(b, 'x/*');
    const bridge = await net.bridge(a, b);
    const inA = await listening(a, 'y');
    await net.idle();
    for (let n = 0; n < 100; n++) {
      void atA.publish(`x/${n % 3}`, n);
      void atA.publish('nobody/wants/this', n);
      void inB.client.publish('y', n);
    }
    await net.idle();
    const all = Array.from({ length: 100 }, (_, n) => n);
    expect(inB.bodies).toEqual(all);
    expect(inA.bodies).toEqual(all);
    expect(bridge.status).toMatchObject({
      state: 'connected',
      side1: { connected: true, bridging: true, forwarded: 100, dropped: 0, lag: 0 },
      side2: { connected: true, bridging: true, forwarded: 100, dropped: 0, lag: 0 },
    });
  });

  it('brings what is kept to both, the newest of each channel', async () => {
    const [atA, atB] = [await net.client({ to: a }), await net.client({ to: b })];
    await atA.publish('only/a', 1, { persist: true });
    await atB.publish('only/b', 2, { persist: true });
    await atA.publish('both', 'old', { persist: true, time: 100 });
    await atB.publish('both', 'new', { persist: true, time: 200 });
    const watcher = await listening(a, 'both');
    await net.bridge(a, b);
    for (const broker of [a, b]) expect((await listening(broker, '**')).bodies.slice(0, 3)).toHaveLength(3);
    const found = await Promise.all([a, b].map(async (broker) => (await listening(broker, '*')).bodies));
    expect(found).toEqual([['new'], ['new']]);
    expect(watcher.bodies).toEqual(['old', 'new']);
    // And from now on.
    await atA.publish('later', 3, { persist: true });
    await net.idle();
    expect((await listening(b, 'later')).bodies).toEqual([3]);
  });

  it('carries calls, both ways', async () => {
    const [atA, atB] = [await net.client({ to: a }), await net.client({ to: b })];
    await net.bridge(a, b);
    await atB.provide('math/square', (x: number) => x * x);
    await atA.provide('math/half', (x: number) => {
      if (x % 2 === 1) throw new Error('odd');
      return x / 2;
    });
    await net.idle();
    expect(await net.until(atA.call('math/square', 7))).toBe(49);
    expect(await net.until(atB.call('math/half', 8))).toBe(4);
    await expect(net.until(atB.call('math/half', 7))).rejects.toMatchObject({ code: 'REMOTE', message: 'odd' });
  });

  it('shows nothing of itself to monitors, and no subscriptions of the other side', async () => {
    const watcher = await net.client({ to: a });
    const channels: string[] = [];
    await watcher.subscribe('**', ({ channel }) => channels.push(channel), { bounce: false });
    await net.bridge(a, b);
    const atB = await net.client({ to: b });
    await atB.subscribe('x', () => {});
    await atB.publish('hello');
    await net.idle();
    expect(channels).toEqual(['hello']);
  });

  it('says no to one broker under two names', async () => {
    await a.listen('memory://other-name');
    const bridge = net.prepareBridge(a, 'other-name');
    await expect(net.until(bridge.start())).rejects.toMatchObject({ code: 'SAME_BROKER' });
    expect(bridge.state).toBe('closed');
    await expect(bridge.start()).rejects.toBeInstanceOf(SpokeError);
  });

  it('says no to one address twice, whether somebody is there or not', async () => {
    const bridge = net.prepareBridge('nobody', 'nobody');
    await expect(bridge.start()).rejects.toMatchObject({ code: 'SAME_BROKER' });
    expect(bridge.state).toBe('closed');
  });

  it('leaves bodies and heads the bytes they are, persistent or not, also under another name', async () => {
    await net.bridge(a, b, { map: [{ prefix1: 'x', prefix2: 'y' }] });
    const reader = await RawConnection.open(net.transport('reader'), 'memory://b');
    reader.subscribe('**');
    await net.idle();
    reader.frames.items.length = 0;
    const writer = await RawConnection.open(net.transport('writer'), 'memory://a');
    const body = '{"b": 12345678901234567890, "a": 1.0, "t": "\\u00e4 \\/", "10": [ 1 ]}';
    for (const channel of ['x/1', 'z']) {
      for (const persist of [false, true])
        writer.publish(channel, body, { time: 1.5, other: { k: [1] }, ...(persist && { persist }) });
    }
    await net.idle();
    const frames = reader.frames.items.filter((frame) => !frame.includes('-control'));
    expect(frames.map((frame) => frame.slice(frame.indexOf('"body": ') + 8, -1))).toEqual([body, body, body, body]);
    expect(frames.map((frame) => JSON.parse(frame).head)).toEqual(
      ['y/1', 'y/1', 'z', 'z'].map((channel, n) => ({
        channel,
        time: 1.5,
        other: { k: [1] },
        ...(n % 2 === 1 && { persist: true }),
      })),
    );
    await Promise.all([reader.close(), writer.close(), net.idle()]);
  });

  it('translates where the sides speak different codecs', async () => {
    const { bodies } = await listening(b, 'x');
    const atA = await net.client({ to: a });
    const bridge = await net.bridge(a, b, { codec2: 'msgpack' });
    const errors: string[] = [];
    bridge.on('error', ({ code }) => errors.push(code));
    await net.idle();
    // More than 64 bits, which msgpack has as a float only.
    const sent = [{ text: 'ä', list: [1.5, null, true] }, 2n ** 70n, 'after'];
    for (const body of sent) await atA.publish('x', body);
    await net.idle();
    expect(bodies).toEqual([sent[0], Number(2n ** 70n), 'after']);
    expect(errors).toEqual([]);
  });

  it('lets pass what is included, in the direction that it is included for, kept or not', async () => {
    const [atA, atB] = [await listening(a, '**'), await listening(b, '**')];
    await atA.client.publish('in/kept', 'kept at a', { persist: true });
    await atB.client.publish('in/kept2', 'kept at b', { persist: true });
    await atA.client.publish('out/kept', 'not for b', { persist: true });
    const bridge = await net.bridge(a, b, {
      include: ['both/**', { pattern: 'in/**', from: 1 }],
      exclude: ['both/not/*'],
    });
    for (const bodies of [atA.bodies, atB.bodies]) bodies.length = 0;
    for (const { client } of [atA, atB]) {
      for (const channel of ['both/x', 'both/not/x', 'in/x', 'out/x'])
        await client.publish(channel, channel, { bounce: false });
    }
    await net.idle();
    expect(atB.bodies).toEqual(['both/x', 'in/x']);
    expect(atA.bodies).toEqual(['both/x']);
    expect((await listening(b, 'in/*')).bodies).toEqual(expect.arrayContaining(['kept at a', 'kept at b']));
    expect((await listening(a, 'in/kept2')).bodies).toEqual([]);
    expect((await listening(b, 'out/*')).bodies).toEqual([]);
    // It was not even asked for.
    expect(bridge.status.side2.forwarded).toBe(3);
  });

  it('loses nothing where two carry different channels, and one is far behind the other', async () => {
    await net.bridge(a, b, { name: 'fast', include: ['fast/**'] });
    await net.bridge(a, b, { name: 'slow', include: ['slow/**'] });
    const [atA, atB] = [await net.client({ to: a }), await listening(b, '*/*')];
    await net.idle();
    atB.bodies.length = 0;
    net.stall('slow');
    const publish = async (name: string, count: number, options: object) =>
      Promise.all(Array.from({ length: count }, async (_, n) => atA.publish(`${name}/${n}`, name, options)));
    const late = publish('slow', 10, {});
    const lateOnes = publish('slow', 20, { persist: true });
    for (let n = 0; n < 10; n++) await net.until(publish('fast', 300, { ack: true }));
    await net.idle();
    expect(atB.bodies).toHaveLength(3000);
    net.heal();
    await net.until(Promise.all([late, lateOnes]));
    await net.idle();
    expect(atB.bodies.slice(3000)).toEqual(Array.from({ length: 30 }, () => 'slow'));
  });

  it('shows one side under a prefix of the other: messages, what is kept, and calls', async () => {
    const robot = await listening(b, 'arm/*');
    await robot.client.publish('name', 'R2', { persist: true });
    await net.bridge(a, b, { map: [{ prefix1: 'robots/7', prefix2: '' }] });
    const station = await listening(a, 'robots/*/arm/*');
    await net.idle();
    await robot.client.publish('arm/pose', 1, { bounce: false });
    await station.client.publish('robots/7/arm/goal', 2, { bounce: false });
    await station.client.publish('robots/8/arm/goal', 3, { bounce: false });
    await station.client.publish('arm/goal', 4);
    await net.idle();
    expect(station.bodies).toEqual([1]);
    expect(robot.bodies).toEqual([2]);
    expect((await listening(a, 'robots/7/name')).bodies).toEqual(['R2']);
    await robot.client.provide('arm/move', (by: number) => `moved by ${by}`);
    await net.idle();
    expect(await net.until(station.client.call('robots/7/arm/move', 3))).toBe('moved by 3');
  });
});
