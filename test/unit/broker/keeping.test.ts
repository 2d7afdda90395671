// Persistent messages as state, message by message: docs/protocol.md#feature-kept.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryStore } from 'spoke';

import type { RawConnection, WireMessage } from '../../support/raw-connection.js';
import { SlowStore } from '../../support/slow-store.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

async function greeted(features: readonly string[] = ['errors', 'requests', 'kept']): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', JSON.stringify({ nonce: '1', features }));
  expect((await raw.next()).body).toMatchObject({ features });
  return raw;
}

const arrived = async (raw: RawConnection): Promise<WireMessage[]> => {
  await clock.idle();
  return (await raw.frames.take(raw.frames.rest.length)).map((frame) => JSON.parse(frame) as WireMessage);
};
/** Channel and body, or the body alone of a control message. */
const shown = (messages: readonly WireMessage[]) =>
  messages.map(({ head, body }) => (head.channel.startsWith('-control/') ? body : [head.channel, body]));

interface Listed {
  readonly okay: { readonly entries: readonly { readonly channel: string }[]; readonly more: boolean };
}
const named = ({ entries, more }: Listed['okay']) => [
  ...entries.map(({ channel }) => channel),
  ...(more ? ['...'] : []),
];

/** Counts how often all of it is looked through. */
class CountingStore extends MemoryStore {
  looks = 0;

  override match(pattern: string): ReturnType<MemoryStore['match']> {
    if (pattern === '*') this.looks++;
    return super.match(pattern);
  }
}

let requests = 0;
async function ask(raw: RawConnection, op: string, body: object = {}): Promise<unknown> {
  const n = ++requests;
  raw.publish(`-control/request/${n}`, JSON.stringify({ op, ...body }));
  const replies = (await arrived(raw)).filter(({ head }) => head.channel === `-control/reply/${n}`);
  expect(replies).toHaveLength(1);
  return replies[0]?.body;
}

async function keep(...channels: readonly string[]): Promise<void> {
  const raw = await stage.raw();
  for (const channel of channels) raw.publish(channel, '1', { persist: true });
  await raw.flush();
  await raw.close();
}

const begin = (pattern: string) => ({ pattern, more: true });
const end = (pattern: string, complete = true) => ({ pattern, more: false, complete });

describe('what is kept, for a subscriber that wants to tell it from live messages', () => {
  it('comes between brackets, and the last one says that it was all', async () => {
    await stage.broker();
    await keep('a', 'b/c');
    const raw = await greeted();
    raw.subscribe('**');
    raw.publish('live');
    expect(shown(await arrived(raw)).filter((one) => !(one instanceof Array && one[0] === 'live'))).toEqual([
      begin('**'),
      ['a', 1],
      ['b/c', 1],
      end('**'),
    ]);
  });

  it('that is nothing is said at once', async () => {
    await stage.broker();
    const raw = await greeted();
    raw.publish('-control/subscribe', '"/x//*"', { bounce: false });
    expect(shown(await arrived(raw))).toEqual([end('x/*')]);
  });

  it('and is much comes in portions, each in brackets, live messages between them', async () => {
    await stage.broker();
    const channels = Array.from({ length: 3000 }, (_, n) => `c/${n}`);
    await keep(...channels);
    const raw = await greeted();
    raw.subscribe('c/*');
    const other = await stage.raw();
    other.publish('c/live', '2');
    await other.flush();
    let inside = false;
    const kept: string[] = [];
    for (const { head, body } of await arrived(raw)) {
      if (head.channel === '-control/kept') inside = (body as { more: boolean }).more;
      else if (head.channel === 'c/live') expect(inside).toBe(false);
      else if (inside) kept.push(head.channel);
    }
    expect(kept).toEqual(channels);
  });

  it('is told by brackets to nobody else', async () => {
    await stage.broker();
    await keep('a');
    const raw = await stage.raw();
    raw.subscribe('a');
    expect(shown(await arrived(raw))).toEqual([['a', 1]]);
  });
});

describe('a request', () => {
  it('lists what is kept, in the order of channels', async () => {
    await stage.broker();
    await keep('b', 'a/x', 'a');
    const raw = await greeted();
    raw.publish('a', '12345', { persist: true, time: 100, '-ttl': 1e9 });
    const now = clock.now() / 1000;
    raw.publish('a', '12345', { persist: true, time: now, '-ttl': 7 });
    expect(await ask(raw, 'kept.list', { pattern: '/a/**' })).toEqual({
      okay: {
        entries: [
          { channel: 'a', time: expect.any(Number), bytes: expect.any(Number) },
          { channel: 'a/x', time: now, bytes: expect.any(Number) },
        ],
        more: false,
      },
    });
  });

  it('lists in portions, which go on after a channel', async () => {
    await stage.broker();
    await keep('d', 'b', 'a', 'c');
    const raw = await greeted();
    const channels = ({ okay }: { okay: { entries: { channel: string }[]; more: boolean } }) => [
      okay.entries.map(({ channel }) => channel),
      okay.more,
    ];
    const list = async (body: object) => channels((await ask(raw, 'kept.list', { pattern: '*', ...body })) as never);
    expect(await list({ limit: 3 })).toEqual([['a', 'b', 'c'], true]);
    expect(await list({ limit: 3, after: 'c' })).toEqual([['d'], false]);
    // What was the last one may be gone by then.
    expect(await list({ limit: 2, after: 'bb' })).toEqual([['c', 'd'], false]);
  });

  it('lists all portions from one look at the store, whatever goes meanwhile and whoever else lists', async () => {
    const store = new CountingStore();
    await stage.broker({ store });
    await keep('e', 'd', 'c', 'b', 'a');
    const [raw, other] = [await greeted(), await greeted()];
    store.looks = 0;
    const list = async (from: RawConnection, body: object) =>
      ((await ask(from, 'kept.list', { pattern: '*', limit: 2, ...body })) as Listed).okay;
    expect(named(await list(raw, {}))).toEqual(['a', 'b', '...']);
    // What was the last one, and what would have been the next.
    for (const channel of ['b', 'c']) await ask(other, 'kept.clear', { channel });
    await keep('f');
    expect(named(await list(raw, { after: 'b' }))).toEqual(['d', 'e']);
    expect(store.looks).toBe(1);
    expect(named(await list(raw, {}))).toEqual(['a', 'd', '...']);
    expect(named(await list(other, {}))).toEqual(['a', 'd', '...']);
    expect(named(await list(raw, { after: 'd' }))).toEqual(['e', 'f']);
    expect(named(await list(other, { after: 'd' }))).toEqual(['e', 'f']);
  });

  it('reads one message', async () => {
    await stage.broker();
    await keep('a');
    const raw = await greeted();
    expect(await ask(raw, 'kept.get', { channel: '/a' })).toMatchObject({ okay: { channel: 'a', body: 1 } });
    expect(await ask(raw, 'kept.get', { channel: 'b' })).toEqual({ okay: null });
  });

  it('that cannot be understood is answered with an error', async () => {
    await stage.broker();
    const raw = await greeted();
    for (const [op, body] of [
      ['no such', {}],
      ['kept.list', {}],
      ['kept.list', { pattern: 1 }],
      ['kept.list', { pattern: 'a', limit: 'x' }],
      ['kept.get', {}],
      ['kept.clear', {}],
      ['kept.clear', { pattern: 'a', time: 'x' }],
    ] as const) {
      expect(await ask(raw, op, body)).toMatchObject({ error: { code: 'MALFORMED' } });
    }
    expect(await ask(raw, 'kept.list', { pattern: '**/a/'.repeat(9) })).toMatchObject({
      error: { code: 'LIMIT_EXCEEDED' },
    });
    raw.publish('-control/request/a b', '{"op": "kept.list"}');
    expect(await arrived(raw)).toMatchObject([{ head: { channel: '-control/error' }, body: { code: 'MALFORMED' } }]);
  });

  it('of a connection that did not ask for the feature is a message like any other', async () => {
    await stage.broker();
    const [raw, monitor] = [await stage.raw(), await stage.raw()];
    monitor.subscribe('-control/request/*');
    await monitor.flush();
    raw.publish('-control/request/1', '{"op": "kept.list"}');
    expect(await arrived(monitor)).toHaveLength(1);
    expect(await arrived(raw)).toEqual([]);
  });

  it('is permitted by what it asks for', async () => {
    await stage.broker({
      authorizer: {
        allows: (_, action, target) => target.startsWith('mine') || (action === 'subscribe' && target !== 'x'),
      },
    });
    const raw = await greeted();
    for (const channel of ['mine/a', 'mine/b']) raw.publish(channel, '1', { persist: true });
    expect(await ask(raw, 'kept.get', { channel: 'x' })).toMatchObject({ error: { code: 'FORBIDDEN' } });
    expect(await ask(raw, 'kept.list', { pattern: 'x' })).toMatchObject({ error: { code: 'FORBIDDEN' } });
    expect(await ask(raw, 'kept.clear', { pattern: 'mine/*' })).toEqual({ okay: { cleared: 2 } });
  });

  it('to clear is all or nothing', async () => {
    let open = true;
    const broker = await stage.broker({
      authorizer: { allows: (_, action, target) => open || action === 'subscribe' || target !== 'b' },
    });
    await keep('a', 'b', 'c');
    open = false;
    const raw = await greeted();
    expect(await ask(raw, 'kept.clear', { pattern: '*' })).toMatchObject({
      error: { code: 'FORBIDDEN', message: expect.stringContaining('clear b') },
    });
    expect(broker.stats.kept.messages).toBe(3);
  });
});

describe('clearing', () => {
  it('forgets, and tells those subscribers that understand it', async () => {
    const broker = await stage.broker();
    await keep('a', 'b', 'c');
    const [raw, told, deaf] = [await greeted(), await greeted(['kept']), await stage.raw()];
    for (const one of [told, deaf]) one.subscribe('a');
    await Promise.all([arrived(told), arrived(deaf)]);
    expect(await ask(raw, 'kept.clear', { pattern: '{a,b}', dryRun: true })).toEqual({ okay: { cleared: 0 } });
    expect(await ask(raw, 'kept.clear', { pattern: '*', dryRun: true })).toEqual({ okay: { cleared: 3 } });
    expect(broker.stats.kept.messages).toBe(3);
    expect(await ask(raw, 'kept.clear', { channel: 'a' })).toEqual({ okay: { cleared: 1 } });
    expect(await ask(raw, 'kept.clear', { pattern: '*' })).toEqual({ okay: { cleared: 2 } });
    expect(await ask(raw, 'kept.clear', { pattern: '*' })).toEqual({ okay: { cleared: 0 } });
    expect(broker.stats.kept.messages).toBe(0);
    expect(shown(await arrived(told))).toEqual([{ cleared: [['a', clock.now() / 1000]] }]);
    expect(await arrived(deaf)).toEqual([]);
  });

  it('by channel takes wildcards for what they are in a channel', async () => {
    const broker = await stage.broker();
    await keep('*', 'a');
    const raw = await greeted();
    expect(await ask(raw, 'kept.clear', { channel: '*' })).toEqual({ okay: { cleared: 1 } });
    expect(broker.stats.kept.messages).toBe(1);
  });

  it('up to a time leaves what is newer', async () => {
    await stage.broker();
    const raw = await greeted();
    raw.publish('a', '1', { persist: true, time: 100 });
    raw.publish('b', '1', { persist: true, time: 200 });
    expect(await ask(raw, 'kept.clear', { pattern: '*', time: 150 })).toEqual({ okay: { cleared: 1 } });
    expect(await ask(raw, 'kept.get', { channel: 'a' })).toEqual({ okay: null });
    expect(await ask(raw, 'kept.clear', { pattern: '*', time: clock.now() / 1000 + 100 })).toMatchObject({
      error: { code: 'TIME_INVALID' },
    });
  });

  it('cannot be undone by an older message, but by a newer one', async () => {
    const broker = await stage.broker();
    const [raw, reader] = [await greeted(), await stage.raw()];
    reader.subscribe('a');
    raw.publish('a', '1', { persist: true, time: 100 });
    await ask(raw, 'kept.clear', { pattern: 'a' });
    await arrived(reader);
    raw.publish('a', '2', { persist: true, time: 150 });
    raw.publish('a', '3', { persist: true, time: clock.now() / 1000 });
    expect(await arrived(reader)).toEqual([]);
    expect(broker.stats).toMatchObject({ discarded: 2, kept: { messages: 0 } });
    // The broker's own time is always newer, though its clock stands still.
    raw.publish('a', '4', { persist: true });
    expect(shown(await arrived(reader))).toEqual([['a', 4]]);
    expect(broker.stats.kept.messages).toBe(1);
  });

  it('is answered when it is durable, and outlasts the broker', async () => {
    const store = new SlowStore();
    const broker = await stage.broker({ store });
    await keep('a', 'b');
    store.flush();
    const raw = await greeted();
    raw.publish('-control/request/1', '{"op": "kept.clear", "pattern": "a"}');
    expect(await arrived(raw)).toEqual([]);
    store.flush();
    expect(shown(await arrived(raw))).toEqual([{ okay: { cleared: 1 } }]);
    const rest = store.afterPowerCut();
    await broker.close();

    const again = await stage.broker({ store: rest });
    const other = await greeted();
    other.publish('a', '1', { persist: true, time: clock.now() / 1000 - 5 });
    await arrived(other);
    expect(again.stats.kept.messages).toBe(1);
  });

  it('is remembered within bounds of number and age', async () => {
    const store = new SlowStore();
    await stage.broker({ store, limits: { clearedMessages: 2, clearedAge: 10_000 } });
    await keep('a', 'b', 'c');
    const raw = await greeted();
    raw.publish('-control/request/1', '{"op": "kept.clear", "pattern": "*"}');
    await arrived(raw);
    const keys = () => [...store.notes()].map(([key]) => key);
    expect(keys()).toEqual(['gone/b', 'gone/c']);
    await clock.advance(11_000);
    await keep('d');
    raw.publish('-control/request/2', '{"op": "kept.clear", "pattern": "d"}');
    await arrived(raw);
    expect(keys()).toEqual(['gone/d']);
    store.flush();
  });
});

describe('a time to live', () => {
  it('ends a message, and its end is told as that of one that was cleared', async () => {
    const broker = await stage.broker();
    const [raw, told] = [await greeted(), await greeted(['kept'])];
    told.subscribe('*');
    const time = clock.now() / 1000;
    raw.publish('a', '1', { persist: true, '-ttl': 5 });
    raw.publish('b', '1', { persist: true });
    await arrived(told);
    await clock.advance(4900);
    expect(await arrived(told)).toEqual([]);
    await clock.advance(200);
    expect(shown(await arrived(told))).toEqual([{ cleared: [['a', time]] }]);
    expect(broker.stats.kept.messages).toBe(1);
  });

  it('is that of the latest message, or none', async () => {
    const broker = await stage.broker();
    const raw = await greeted();
    raw.publish('a', '1', { persist: true, '-ttl': 5 });
    raw.publish('b', '1', { persist: true, '-ttl': 5 });
    await arrived(raw);
    await clock.advance(1000);
    raw.publish('a', '2', { persist: true, '-ttl': 10 });
    raw.publish('b', '2', { persist: true });
    await arrived(raw);
    await clock.advance(8000);
    expect(broker.stats.kept.messages).toBe(2);
    await clock.advance(3000);
    expect(broker.stats.kept.messages).toBe(1);
  });

  it('stays in the head, and counts from the time of the message', async () => {
    const broker = await stage.broker();
    const [raw, reader] = [await greeted(), await stage.raw()];
    reader.subscribe('*');
    raw.publish('a', '1', { persist: true, '-ttl': 5, time: clock.now() / 1000 - 3 });
    expect((await arrived(reader))[0]?.head).toMatchObject({ '-ttl': 5 });
    await clock.advance(2100);
    expect(broker.stats.kept.messages).toBe(0);
  });

  it('that has passed on the way leaves nothing to keep', async () => {
    const broker = await stage.broker();
    const [raw, reader] = [await greeted(), await stage.raw()];
    reader.subscribe('*');
    raw.publish('a', '1', { persist: true, '-ttl': 5, time: clock.now() / 1000 - 6 });
    expect(await arrived(reader)).toEqual([]);
    expect(broker.stats).toMatchObject({ discarded: 1, kept: { messages: 0 } });
  });

  it.each(['"5"', 0, -1, 'null', '[]', 'true'])('of %s is none', async (ttl) => {
    const broker = await stage.broker();
    const raw = await stage.raw();
    raw.send(`{"head": {"channel": "a", "persist": true, "-ttl": ${ttl}}, "body": 1}\0`);
    await raw.flush();
    await clock.advance(100_000);
    expect(broker.stats.kept.messages).toBe(1);
  });

  it('goes on while the broker is down: what has expired by then is not served', async () => {
    const store = new SlowStore();
    const broker = await stage.broker({ store });
    const raw = await greeted();
    raw.publish('a', '1', { persist: true, '-ttl': 5 });
    raw.publish('b', '1', { persist: true, '-ttl': 50 });
    await arrived(raw);
    store.flush();
    const rest = store.afterPowerCut();
    await broker.close();
    await clock.advance(10_000);
    const again = await stage.broker({ store: rest });
    expect(again.stats.kept.messages).toBe(1);
    await clock.advance(50_000);
    expect(again.stats.kept.messages).toBe(0);
  });
});

describe('between brokers', () => {
  async function bridge(patterns: readonly string[] = ['**']): Promise<RawConnection> {
    const raw = await greeted(['bridge']);
    raw.publish('-control/mirror', JSON.stringify({ patterns }));
    return raw;
  }
  const cleared = (messages: readonly WireMessage[]) =>
    messages.filter(({ head }) => head.channel === '-control/cleared').map(({ body }) => body);

  it('a bridge is told what is cleared, also what was cleared before it came', async () => {
    await stage.broker();
    await keep('a', 'b', 'other');
    const raw = await greeted();
    await ask(raw, 'kept.clear', { pattern: 'a' });
    const time = clock.now() / 1000;
    const one = await bridge(['a', 'b']);
    expect(cleared(await arrived(one))).toEqual([{ cleared: [['a', time]] }]);
    await clock.advance(1000);
    await ask(raw, 'kept.clear', { pattern: '*' });
    expect(cleared(await arrived(one))).toEqual([{ cleared: [['b', time + 1]] }]);
  });

  it('what a bridge says was cleared is, on this side and beyond, and comes not back to it', async () => {
    const broker = await stage.broker();
    await keep('a', 'b');
    const [one, two, reader] = [await bridge(), await bridge(), await greeted(['kept'])];
    reader.subscribe('*');
    await Promise.all([one, two, reader].map(arrived));
    const time = clock.now() / 1000 + 1;
    one.publish(
      '-control/cleared',
      JSON.stringify({
        cleared: [
          ['a', time],
          ['b', 5],
          ['c', time],
        ],
      }),
    );
    expect(cleared(await arrived(one))).toEqual([]);
    // Of what is newer nothing is cleared; of what is not there it is remembered.
    expect(cleared(await arrived(two))).toEqual([
      {
        cleared: [
          ['a', time],
          ['c', time],
        ],
      },
    ]);
    expect(cleared(await arrived(reader))).toEqual([
      {
        cleared: [
          ['a', time],
          ['c', time],
        ],
      },
    ]);
    expect(broker.stats.kept.messages).toBe(1);
    // Once more changes nothing, so nothing goes round.
    two.publish('-control/cleared', JSON.stringify({ cleared: [['a', time]] }));
    expect(cleared(await arrived(one))).toEqual([]);
  });

  it('nobody else can clear by that message', async () => {
    const broker = await stage.broker();
    await keep('a');
    const raw = await greeted();
    raw.publish('-control/cleared', '{"cleared": [["a", 1e12]]}');
    expect(await arrived(raw)).toMatchObject([{ body: { code: 'FORBIDDEN' } }]);
    const one = await bridge();
    for (const body of ['1', '{"cleared": [["a"]]}', '{"cleared": [["a", 1e12]]}'])
      one.publish('-control/cleared', body);
    await arrived(one);
    expect(broker.stats.kept.messages).toBe(1);
  });
});
