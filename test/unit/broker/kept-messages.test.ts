// Persistent messages: what is kept, when, and how a new subscriber gets it.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { MessageStore, StoredMessage } from '../../../src/contracts/index.js';
import { SpokeError } from '../../../src/contracts/index.js';
import { MemoryStore } from '../../../src/stores/index.js';
import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

const persist = { persist: true };
const bodies = (messages: readonly WireMessage[]) => messages.map((message) => message.body);
const parsed = (frames: readonly string[]) => frames.map((frame): WireMessage => JSON.parse(frame));

/** What a newcomer is sent on subscribing. */
async function kept(pattern: string): Promise<WireMessage[]> {
  const newcomer = await stage.raw();
  newcomer.subscribe(pattern);
  await clock.idle();
  await newcomer.close();
  return parsed(newcomer.frames.items);
}

async function greeted(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
  await raw.next();
  return raw;
}

describe('a persistent message', () => {
  it('reaches subscribers as any other, with persist in its head, and later ones when they subscribe', async () => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.publish('x', '1', persist);
    const live = await a.next();
    expect(live).toEqual({ head: { channel: 'x', persist: true, time: clock.now() / 1000 }, body: 1 });
    await clock.advance(5000);
    expect(await kept('x')).toEqual([live]);
  });

  it('outlives its publisher, and is the last one of its channel', async () => {
    await stage.broker();
    const b = await stage.raw();
    for (const body of ['1', '2', '3']) b.publish('x', body, persist);
    b.publish('x', '4');
    await b.close();
    expect(bodies(await kept('x'))).toEqual([3]);
  });

  it('is sent again to whoever subscribes again', async () => {
    await stage.broker();
    const a = await stage.raw();
    a.publish('x', '1', persist);
    a.subscribe('x');
    a.subscribe('x');
    a.unsubscribe('x');
    a.subscribe('x');
    expect(parsed(await a.flush()).map((message) => message.body)).toEqual([1, 1, 1]);
  });

  it('comes in the order in which the channels were first kept, whatever was updated since', async () => {
    await stage.broker();
    const b = await stage.raw();
    for (const channel of ['c', 'a', 'b/1', 'b/2', 'other', 'a', 'c']) {
      b.publish(channel, `"${channel}"`, persist);
    }
    await b.flush();
    expect(bodies(await kept('**'))).toEqual(['c', 'a', 'b/1', 'b/2', 'other']);
    expect(bodies(await kept('b/*'))).toEqual(['b/1', 'b/2']);
    expect(bodies(await kept('*'))).toEqual(['c', 'a', 'other']);
  });

  it('is everything true in Python: 1 and "yes" persist, 0 and null do not', async () => {
    await stage.broker();
    const b = await stage.raw();
    for (const [n, value] of [1, 'yes', 0, null, '', [], true].entries())
      b.publish(`c/${n}`, String(n), { persist: value });
    await b.flush();
    expect(bodies(await kept('**'))).toEqual([0, 1, 6]);
  });

  it('does not come back to its publisher with bounce: false, and is kept without that key', async () => {
    await stage.broker();
    const b = await stage.raw();
    b.subscribe('x');
    b.publish('x', '1', { persist: true, bounce: false });
    expect(await b.flush()).toEqual([]);
    const [message] = await kept('x');
    expect(message?.head).toEqual({ channel: 'x', persist: true, time: clock.now() / 1000 });
  });
});

describe('of two messages of a channel', () => {
  it('the one with the newer time is kept, and one that is not newer reaches nobody', async () => {
    const broker = await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.publish('x', '"newer"', { persist: true, time: 1000 });
    b.publish('x', '"older"', { persist: true, time: 999.999 });
    b.publish('x', '"same"', { persist: true, time: 1000 });
    b.publish('x', '"newest"', { persist: true, time: 1000.001 });
    // A message that is not persistent has nothing to do with it.
    b.publish('x', '"passing"', { time: 1 });
    expect(bodies(await a.take(3))).toEqual(['newer', 'newest', 'passing']);
    expect(bodies(await kept('x'))).toEqual(['newest']);
    expect(broker.stats.discarded).toBe(2);
  });

  it('the later is newer when the broker sets the times: two in one millisecond both arrive', async () => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    const burst = Array.from({ length: 1000 }, (_, n) => n);
    for (const n of burst) b.publish('x', String(n), persist);
    const messages = await a.take(1000);
    expect(bodies(messages)).toEqual(burst);
    const times = messages.map((message) => message.head.time ?? 0);
    expect(times.every((time, n) => n === 0 || time > (times[n - 1] ?? 0))).toBe(true);
    // All that was made up is less than a hundredth of a second.
    expect((times.at(-1) ?? 0) - clock.now() / 1000).toBeLessThan(0.01);
    expect(bodies(await kept('x'))).toEqual([999]);
  });

  it('the later is newer also when the clock of the broker was set back in between', async () => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.publish('x', '1', persist);
    await b.flush();
    clock.set(clock.now() - 3_600_000);
    b.publish('x', '2', persist);
    expect(bodies(await a.take(2))).toEqual([1, 2]);
    expect(bodies(await kept('x'))).toEqual([2]);
  });

  it('the later is newer also when the earlier was dated a little into the future', async () => {
    await stage.broker();
    const [a, b] = [await stage.raw(), await stage.raw()];
    a.subscribe('x');
    await a.flush();
    b.publish('x', '1', { persist: true, time: clock.now() / 1000 + 59 });
    b.publish('x', '2', persist);
    expect(bodies(await a.take(2))).toEqual([1, 2]);
  });
});

describe('a time', () => {
  it.each(['"now"', 'null', 'true', 'NaN', '-Infinity', '1e999', '[1]', '"1"'])(
    '%s is refused with an error to its sender, and freezes nothing',
    async (time) => {
      await stage.broker();
      const a = await greeted();
      a.subscribe('x');
      a.send(`{"head": {"channel": "x", "persist": true, "time": ${time}}, "body": 1}\0`);
      a.publish('x', '2', persist);
      const [error, message] = await a.take(2);
      expect(error?.head.channel).toBe('-control/error');
      expect(error?.body).toMatchObject({ code: expect.stringMatching(/TIME_INVALID|MALFORMED/) });
      expect(message?.body).toBe(2);
      expect(bodies(await kept('x'))).toEqual([2]);
    },
  );

  it('far in the future is refused with an error to its sender, whether persistent or not', async () => {
    const broker = await stage.broker();
    const [a, b] = [await greeted(), await stage.raw()];
    b.subscribe('**');
    await b.flush();
    const time = clock.now() / 1000 + 61;
    a.publish('x', '1', { persist: true, time });
    a.publish('y', '1', { time });
    const errors = await a.take(2);
    expect(errors.map((error) => error.body)).toMatchObject([
      { code: 'TIME_INVALID', channel: 'x', message: expect.stringContaining('limits.clockSkew') },
      { code: 'TIME_INVALID', channel: 'y' },
    ]);
    a.publish('x', '2', persist);
    expect(bodies(await b.take(1))).toEqual([2]);
    expect(broker.stats).toMatchObject({ refused: 2, kept: { messages: 1 } });
  });

  it('within the skew allowed is taken as it is', async () => {
    await stage.broker({ limits: { clockSkew: 5000 } });
    const b = await stage.raw();
    const time = clock.now() / 1000 + 4.999;
    b.publish('x', '1', { persist: true, time });
    await b.flush();
    expect((await kept('x'))[0]?.head.time).toBe(time);
  });

  it('of long ago, zero and below, is a time like any other', async () => {
    await stage.broker();
    const b = await stage.raw();
    b.publish('x', '1', { persist: true, time: -5 });
    b.publish('x', '2', { persist: true, time: 0 });
    await b.flush();
    expect(bodies(await kept('x'))).toEqual([2]);
  });
});

describe('limits of what is kept', () => {
  it('hold for the number of messages: a new channel is refused, updates still come in', async () => {
    const broker = await stage.broker({ limits: { keptMessages: 2 } });
    const a = await greeted();
    for (const channel of ['a', 'b', 'c', 'a']) a.publish(channel, '1', persist);
    expect(await a.next()).toMatchObject({ body: { code: 'LIMIT_EXCEEDED', channel: 'c' } });
    a.publish('b', '2', persist);
    await a.flush();
    expect((await kept('**')).map(({ head, body }) => [head.channel, body])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(broker.stats.kept.messages).toBe(2);
  });

  it('hold for their bytes, and what is refused reaches nobody', async () => {
    const broker = await stage.broker({ limits: { keptBytes: 1000 } });
    const [a, b] = [await greeted(), await stage.raw()];
    b.subscribe('**');
    await b.flush();
    a.publish('a', JSON.stringify('x'.repeat(600)), persist);
    a.publish('b', JSON.stringify('x'.repeat(600)), persist);
    expect(await a.next()).toMatchObject({ body: { code: 'LIMIT_EXCEEDED', channel: 'b' } });
    // Its own bytes are not counted twice.
    a.publish('a', JSON.stringify('y'.repeat(700)), persist);
    await a.flush();
    expect((await b.take(2)).map((message) => message.head.channel)).toEqual(['a', 'a']);
    expect(broker.stats.kept.bytes).toBeLessThanOrEqual(1000);
  });
});

describe('a store', () => {
  class FailingStore extends MemoryStore implements MessageStore {
    failing = false;

    override put(message: StoredMessage): undefined {
      super.put(message);
      if (this.failing) return Promise.reject(new SpokeError('STORE_FAILED', 'disk full')) as never;
    }
  }

  it('that cannot write is told to the publisher, and nobody else suffers', async () => {
    const store = new FailingStore();
    await stage.broker({ store });
    const [a, b] = [await greeted(), await stage.raw()];
    b.subscribe('**');
    await b.flush();
    store.failing = true;
    a.publish('x', '1', persist);
    expect(await a.next()).toMatchObject({ body: { code: 'STORE_FAILED', channel: 'x', message: 'disk full' } });
    expect(await b.next()).toMatchObject({ body: 1 });
  });

  it('is opened before the first connection and closed after the last', async () => {
    const calls: string[] = [];
    class Watched extends MemoryStore {
      override async open() {
        calls.push('open');
      }
      override async close() {
        calls.push('close');
      }
    }
    const broker = await stage.broker({ store: new Watched() });
    await stage.raw();
    expect(calls).toEqual(['open']);
    await broker.close();
    await broker.close();
    expect(calls).toEqual(['open', 'close']);
  });

  it('that cannot be opened keeps the broker from starting, and leaves nothing behind', async () => {
    class Broken extends MemoryStore {
      override async open(): Promise<void> {
        throw new SpokeError('STORE_FAILED', 'no such directory');
      }
    }
    await expect(stage.broker({ store: new Broken() })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(stage.raw()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('that gives out a new object with each read changes nothing about a long replay', async () => {
    class Copying extends MemoryStore {
      override get(channel: string): StoredMessage | undefined {
        const message = super.get(channel);
        return message && { ...message };
      }
    }
    const store = new Copying();
    for (let n = 0; n < 5000; n++) {
      const frame = Buffer.from(`{"head": {"channel": "c/${n}", "time": 1}, "body": ${n}}\0`);
      store.put({ channel: `c/${n}`, time: 1, codec: 'json', frame });
    }
    await stage.broker({ store });
    expect(await kept('**')).toHaveLength(5000);
  });
});
