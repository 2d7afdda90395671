// Two brokers of ours and a bridge are one network.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, Message } from 'spoke';
import { SpokeError } from 'spoke';
import { memoryNetwork } from 'spoke/testing';
import type { MemoryNetwork } from 'spoke/testing';

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

  it('leaves a body the bytes it is, and translates it where the sides speak different codecs', async () => {
    const { client, bodies } = await listening(b, 'x');
    const atA = await net.client({ to: a });
    const bridge = await net.bridge(a, b, { codec2: 'msgpack' });
    await net.idle();
    const body = { big: 12345678901234567890n, text: 'ä', list: [1.5, null, true] };
    await atA.publish('x', body);
    await net.idle();
    expect(bodies).toHaveLength(1);
    expect(bridge.status.side2.refused).toBe(0);
    await client.close();
  });
});
