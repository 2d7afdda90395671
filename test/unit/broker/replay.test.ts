// Many kept messages: sent in portions, never an older one after a newer, whatever happens meanwhile.

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { Broker, BrokerOptions } from '../../../src/broker/index.js';
import { MemoryStore } from '../../../src/stores/index.js';
import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

// Many messages, and a machine may be busy.
jest.setTimeout(30_000);

let stage: Stage;
let clock: VirtualClock;
beforeEach(async () => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

/** Starts a broker that keeps this many messages, and gives a connection to publish on. */
async function keep(
  count: number,
  body = (n: number): string => String(n),
  options: BrokerOptions = {},
): Promise<{ broker: Broker; publisher: RawConnection }> {
  const store = new MemoryStore();
  for (let n = 0; n < count; n++) {
    const frame = Buffer.from(`{"head": {"channel": "k/${n}", "persist": true, "time": 1}, "body": ${body(n)}}\0`);
    store.put({ channel: `k/${n}`, time: 1, codec: 'json', frame });
  }
  return { broker: await stage.broker({ store, ...options }), publisher: await stage.raw() };
}

const parsed = (raw: RawConnection) => raw.frames.items.map((frame): WireMessage => JSON.parse(frame));

/** Fails when a channel's times go down. */
function expectNeverOlder(messages: readonly WireMessage[]): void {
  const latest = new Map<string, number>();
  for (const { head } of messages) {
    const time = head.time ?? 0;
    if (time < (latest.get(head.channel) ?? 0)) throw new Error(`${head.channel}: an older message after a newer one`);
    latest.set(head.channel, time);
  }
}

const lastBodies = (messages: readonly WireMessage[]) =>
  new Map(messages.map((message) => [message.head.channel, message.body]));

describe('a replay of 50,000 messages', () => {
  it('is complete and in order', async () => {
    await keep(50_000);
    const a = await stage.raw();
    a.subscribe('**');
    await clock.idle();
    expect(parsed(a).map((message) => message.body)).toEqual(Array.from({ length: 50_000 }, (_, n) => n));
  });

  it('lets other messages through between its portions', async () => {
    const { publisher } = await keep(50_000);
    const a = await stage.raw();
    a.subscribe('**');
    // Ready before the replay is: everything that is sent now competes with it.
    publisher.publish('live', '"live"');
    await clock.idle();
    const position = parsed(a).findIndex((message) => message.head.channel === 'live');
    expect(a.frames.items).toHaveLength(50_001);
    expect(position).toBeLessThan(25_000);
  });

  it('never puts an older message after a newer one, while its channels are updated', async () => {
    const { publisher } = await keep(50_000);
    const a = await stage.raw();
    a.subscribe('**');
    for (let round = 0; round < 40; round++) {
      for (let n = round; n < 50_000; n += 997) publisher.publish(`k/${n}`, `"new ${n}"`, { persist: true });
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await clock.idle();
    const messages = parsed(a);
    expectNeverOlder(messages);
    const last = lastBodies(messages);
    expect(last.size).toBe(50_000);
    for (let n = 0; n < 50_000; n++) {
      const updated = n % 997 < 40;
      if (last.get(`k/${n}`) !== (updated ? `new ${n}` : n))
        throw new Error(`k/${n} did not end with its last message`);
    }
  });
});

describe('a replay to a reader that stalls', () => {
  const body = (n: number): string => `"${String(n).padEnd(200, '.')}"`;

  it('waits for it instead of filling the memory', async () => {
    const { broker } = await keep(20_000, body, { limits: { outboundBytes: 1_000_000 } });
    const a = await stage.raw();
    a.subscribe('**');
    a.connection.pause();
    await clock.idle();
    expect(broker.stats.outboundBytes).toBeLessThan(600_000);
    expect(a.isClosed).toBe(false);
    a.connection.resume();
    await clock.idle();
    expect(a.frames.items).toHaveLength(20_000);
    expect(broker.stats.outboundBytes).toBe(0);
  });

  it('brings only what is newest when it goes on', async () => {
    const { publisher } = await keep(20_000, body);
    const a = await stage.raw();
    a.subscribe('**');
    a.connection.pause();
    await clock.idle();
    for (let n = 0; n < 20_000; n += 100) publisher.publish(`k/${n}`, '"new"', { persist: true });
    await publisher.flush();
    a.connection.resume();
    await clock.idle();
    expectNeverOlder(parsed(a));
    const last = lastBodies(parsed(a));
    for (let n = 0; n < 20_000; n += 100) if (last.get(`k/${n}`) !== 'new') throw new Error(`k/${n} is not new`);
  });

  it('that had stalled before it subscribed again gets no older message after a newer one either', async () => {
    const { publisher } = await keep(10, body);
    const a = await stage.raw();
    a.subscribe('**');
    await a.flush();
    a.connection.pause();
    // Enough to fill what is on the way.
    for (let n = 0; n < 100; n++) publisher.publish('fill', `"${'x'.repeat(10_000)}"`);
    await publisher.flush();
    a.subscribe('k/*');
    await clock.idle();
    for (let n = 0; n < 10; n++) publisher.publish(`k/${n}`, '"new"', { persist: true });
    await publisher.flush();
    a.connection.resume();
    await clock.idle();
    expectNeverOlder(parsed(a));
    const last = lastBodies(parsed(a));
    for (let n = 0; n < 10; n++) expect(last.get(`k/${n}`)).toBe('new');
  });
});

describe('a client of ours', () => {
  const greet = (a: RawConnection) => a.publish('-control/hello', '{"nonce": "1", "features": ["ping"]}');

  it('knows when a replay is complete: its ping comes back after all of it', async () => {
    await keep(20_000);
    const a = await stage.raw();
    greet(a);
    a.subscribe('**');
    a.publish('-control/ping/1/1', '"pong"');
    await clock.idle();
    const messages = parsed(a);
    expect(messages).toHaveLength(20_002);
    expect(messages.at(-1)).toMatchObject({ head: { channel: '-control/ping/1/1' }, body: 'pong' });
  });

  it('knows it also when it stalled, subscribed again and unsubscribed meanwhile', async () => {
    await keep(10_000);
    const a = await stage.raw();
    greet(a);
    a.subscribe('**');
    a.publish('-control/ping/1/1');
    a.connection.pause();
    await clock.idle();
    a.subscribe('**');
    a.subscribe('k/*');
    a.unsubscribe('k/*');
    a.publish('-control/ping/1/2');
    await clock.idle();
    a.connection.resume();
    await clock.idle();
    const messages = parsed(a);
    expect(messages.slice(-2).map((message) => message.head.channel)).toEqual([
      '-control/ping/1/1',
      '-control/ping/1/2',
    ]);
    expect(lastBodies(messages).size).toBe(10_003);
  });

  it('cannot fill the memory with pings that wait: some come back early', async () => {
    const { broker } = await keep(20_000);
    const a = await stage.raw();
    greet(a);
    a.subscribe('**');
    a.publish('-control/ping/big', `"${'x'.repeat(5000)}"`);
    for (let n = 0; n < 1000; n++) a.publish(`-control/ping/1/${n}`);
    await clock.idle();
    const messages = parsed(a);
    expect(messages).toHaveLength(21_002);
    expect(messages.slice(-64).every((message) => message.head.channel.startsWith('-control/ping/1/'))).toBe(true);
    expect(messages.findIndex((message) => message.head.channel === '-control/ping/big')).toBeLessThan(10_000);
    expect(broker.stats.outboundBytes).toBe(0);
  });
});

describe('a replay that runs', () => {
  it('ends with its subscription', async () => {
    await keep(20_000);
    const a = await stage.raw();
    a.subscribe('k/*');
    a.unsubscribe('k/*');
    await clock.idle();
    // The first portion was sent in the turn of the subscription.
    expect(a.frames.items.length).toBeLessThan(5000);
  });

  it('ends with its connection', async () => {
    const { broker } = await keep(20_000);
    const a = await stage.raw();
    a.subscribe('**');
    a.cut();
    await clock.idle();
    expect(broker.stats).toMatchObject({ subscriptions: 0, outboundBytes: 0 });
  });

  it('begins anew when its pattern is subscribed to again, and the end is complete', async () => {
    await keep(10_000);
    const a = await stage.raw();
    a.subscribe('**');
    a.subscribe('**');
    a.unsubscribe('**');
    a.subscribe('**');
    await clock.idle();
    expect(
      parsed(a)
        .slice(-10_000)
        .map((message) => message.body),
    ).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
  });

  it('is one of several that run side by side, each complete', async () => {
    await keep(10_000);
    const a = await stage.raw();
    a.subscribe('**');
    a.subscribe('k/*');
    await clock.idle();
    expect(a.frames.items).toHaveLength(20_000);
    expect(lastBodies(parsed(a)).size).toBe(10_000);
  });
});
