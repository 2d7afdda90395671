// Streams: items in order, no faster than they are read, to the end or until one side leaves.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SpokeError } from '../../../src/contracts/index.js';
import type { CallContext } from '../../../src/rpc/index.js';
import { RpcError } from '../../../src/rpc/index.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

async function pair() {
  await stage.broker();
  return { provider: await stage.join(), caller: await stage.join() };
}

/** Counts up to a number, and notes how far it came and whether it was left. */
function counter() {
  const seen = { sent: 0, ended: false };
  async function* count(to: number): AsyncGenerator<number, void, undefined> {
    try {
      while (seen.sent < to) yield ++seen.sent;
    } finally {
      seen.ended = true;
    }
  }
  return { seen, count };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

describe('a stream', () => {
  it.each([0, 1, 31, 32, 33, 1000])('of %i items arrives whole and in order', async (size) => {
    const { provider, caller } = await pair();
    const { count } = counter();
    await provider.client.provide('count', count);
    expect(await all(caller.client.stream<number>('count', size))).toEqual(upTo(size));
    await clock.idle();
    expect(clock.timers).toBe(0);
  });

  it('waits for its reader: no more items are made than were asked for', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    const items = caller.client.stream<number>('count', 1000, { window: 8 });
    await items.next();
    await clock.idle();
    expect(seen.sent).toBe(8);
    for (let n = 2; n <= 20; n++) expect(await items.next()).toEqual({ value: n, done: false });
    await clock.idle();
    expect(seen.sent).toBeLessThanOrEqual(28);
    expect(seen.sent).toBeGreaterThanOrEqual(20);
    await items.return?.();
  });

  it('ends for both when its reader leaves the loop', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    for await (const n of caller.client.stream<number>('count', 1e9)) if (n === 100) break;
    await clock.idle();
    expect(seen.ended).toBe(true);
    expect(seen.sent).toBeLessThan(200);
    expect(clock.timers).toBe(0);
  });

  it('ends for both when the signal of its reader aborts', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    const abort = new AbortController();
    const items = caller.client.stream<number>('count', 1e9, { signal: abort.signal });
    await items.next();
    abort.abort();
    await expect(all(items)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await items.next()).toEqual({ value: undefined, done: true });
    await clock.idle();
    expect(seen.ended).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it('that waits for its own source is ended by its signal', async () => {
    const { provider, caller } = await pair();
    let reason: unknown;
    await provider.client.provide('never', async function* never(_: unknown, { signal }: CallContext) {
      yield 1;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      ({ reason } = signal);
    });
    const items = caller.client.stream('never');
    await items.next();
    await items.return?.();
    await clock.idle();
    expect(reason).toMatchObject({ code: 'ABORTED' });
  });

  it('may be silent for longer than the timeout, once it has begun', async () => {
    const { provider, caller } = await pair();
    let go = (): void => {};
    await provider.client.provide('slow', async function* slow() {
      yield 'first';
      await new Promise<void>((resolve) => (go = resolve));
      yield 'second';
    });
    const items = caller.client.stream('slow', null, { timeout: 100 });
    await items.next();
    const next = items.next();
    await clock.advance(600_000);
    go();
    expect(await next).toEqual({ value: 'second', done: false });
    expect(await all(items)).toEqual([]);
  });

  it('that does not begin is a TIMEOUT', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('never', async () => new Promise(() => {}));
    const code = all(caller.client.stream('never', null, { timeout: 100 })).catch((error: SpokeError) => error.code);
    await clock.advance(100);
    expect(await code).toBe('TIMEOUT');
  });

  it('that fails gives its items first, then what was thrown', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('fails', async function* fails() {
      yield* [1, 2];
      throw new RpcError('BROKEN', 'no more', { after: 2 });
    });
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const item of caller.client.stream('fails')) read.push(item);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'BROKEN', message: 'no more', data: { after: 2 } });
    expect(read).toEqual([1, 2]);
  });

  it('tells of progress, too', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('work', async function* work(_: unknown, context: CallContext) {
      await context.progress('half');
      yield 1;
    });
    const seen: unknown[] = [];
    expect(await all(caller.client.stream('work', null, { onProgress: (value) => seen.push(value) }))).toEqual([1]);
    expect(seen).toEqual(['half']);
  });

  it('is made when it is first read, and not before', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    const items = caller.client.stream('count', 5);
    await clock.idle();
    expect(seen.sent).toBe(0);
    await items.return?.();
    expect(await all(items)).toEqual([]);
    expect(() => caller.client.stream('*')).toThrow(TypeError);
    expect(() => caller.client.stream('count', 1, { window: 0 })).toThrow(TypeError);
  });

  it('may be read by several at once, each item by one', async () => {
    const { provider, caller } = await pair();
    const { count } = counter();
    await provider.client.provide('count', count);
    const items = caller.client.stream<number>('count', 100);
    const reads = await Promise.all(Array.from({ length: 103 }, async () => items.next()));
    expect(reads.filter(({ done }) => done !== true).map(({ value }) => value)).toEqual(upTo(100));
  });

  it('passes through a procedure that calls another one, and ends with it', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    const second = await stage.client();
    await second.provide('double', async function* double(to: number, context: CallContext) {
      for await (const n of context.stream<number>('count', to)) yield n * 2;
    });
    const items = caller.client.stream<number>('double', 1e9);
    expect([await items.next(), await items.next()].map(({ value }) => value)).toEqual([2, 4]);
    await items.return?.();
    await clock.idle();
    expect(seen.ended).toBe(true);
    expect(clock.timers).toBe(0);
  });
});

describe('a provider that streams', () => {
  it('answers callers that take no stream with all items at once', async () => {
    const { provider, caller } = await pair();
    const { count } = counter();
    await provider.client.provide('count', count);
    expect(await caller.client.call('count', 5)).toEqual(upTo(5));
    const peer = await stage.raw();
    await provider.client.provide('letters', async function* letters() {
      yield* ['a', 'b'];
    });
    peer.subscribe('letters/-rpc/peer/1/*');
    peer.publish('letters/-rpc/peer/1/call', 'null');
    expect(await peer.take(2)).toMatchObject([{ body: null }, { body: { okay: ['a', 'b'] } }]);
  });

  it('refuses that past 10,000 items', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    await expect(caller.client.call('count', 1e9)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(seen.ended).toBe(true);
  });

  it('ends when nothing was heard of the reader for a minute, and its own connection still stands', async () => {
    const { provider, caller } = await pair();
    const { seen, count } = counter();
    await provider.client.provide('count', count);
    const peer = await stage.raw();
    peer.publish('count/-rpc/peer/1/call', '1000000000', { '-window': 5 });
    await clock.advance(59_000);
    expect(seen).toEqual({ sent: 5, ended: false });
    await clock.advance(61_000);
    expect(seen.ended).toBe(true);
    expect(await caller.client.call('count', 5)).toEqual([]);
  });
});

describe('what others answer to a stream', () => {
  it.each([
    ['{"okay": [1, 2, 3]}', [1, 2, 3]],
    ['{"okay": 5}', [5]],
    ['{"okay": null}', [null]],
    ['{"okay": []}', []],
  ])('%s is read as %j', async (reply, expected) => {
    const { caller } = await pair();
    const peer = await stage.raw();
    peer.subscribe('old/-rpc/**/call');
    await peer.flush();
    const items = all(caller.client.stream('old'));
    const { head } = await peer.next();
    peer.publish(head.channel.replace(/call$/, 'result'), reply);
    expect(await items).toEqual(expected);
  });

  it.each([
    ['an item missing', ['{"n": 1, "item": 1}', '{"n": 3, "item": 3}'], undefined],
    ['the last item missing', ['{"n": 1, "item": 1}'], '{"okay": null, "parts": 2}'],
    ['more than was asked for', upTo(40).map((n) => `{"n": ${n}, "item": ${n}}`), undefined],
  ])('%s is REPLY_MALFORMED, and the provider is told', async (_, parts, result) => {
    const { caller } = await pair();
    const peer = await stage.raw();
    peer.subscribe('odd/-rpc/**/call');
    peer.subscribe('odd/-rpc/**/control');
    await peer.flush();
    const items = caller.client.stream('odd');
    const first = items.next().catch((error: SpokeError) => error.code);
    const { head } = await peer.next();
    expect(head['-window']).toBe(32);
    for (const part of parts) peer.publish(head.channel.replace(/call$/, 'part'), part);
    if (result !== undefined) peer.publish(head.channel.replace(/call$/, 'result'), result);
    await clock.idle();
    expect(await first).toMatchObject({ value: 1 });
    await expect(all(items)).rejects.toMatchObject({ code: 'REPLY_MALFORMED' });
    if (result === undefined) expect((await peer.next()).head.channel).toMatch(/\/cancel\/control$/);
  });

  it('parts that nobody waits for are answered with a cancel', async () => {
    const { caller } = await pair();
    const peer = await stage.raw();
    peer.subscribe('odd/-rpc/**/call');
    peer.subscribe('odd/-rpc/**/control');
    await peer.flush();
    const items = caller.client.stream('odd');
    const first = items.next();
    const { head } = await peer.next();
    await items.return?.();
    expect(await first).toMatchObject({ done: true });
    expect((await peer.next()).head.channel).toMatch(/\/cancel\/control$/);
    peer.publish(head.channel.replace(/call$/, 'part'), '{"n": 1, "item": 1}');
    expect((await peer.next()).head.channel).toBe(head.channel.replace(/call$/, 'cancel/control'));
  });
});
