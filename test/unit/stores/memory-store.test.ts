import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { matches } from '../../../src/channels/index.js';
import type { StoredMessage } from '../../../src/contracts/index.js';
import { MemoryStore } from '../../../src/stores/index.js';

const message = (channel: string, size = 10, time = 1): StoredMessage => ({
  channel,
  time,
  codec: 'json',
  frame: new Uint8Array(size),
});

async function opened(): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.open();
  return store;
}

describe('the memory store', () => {
  it('gives what was put, at once', async () => {
    const store = await opened();
    const kept = message('a/b');
    expect(store.put(kept)).toBeUndefined();
    expect(store.get('a/b')).toBe(kept);
    expect(store.match('a/*')).toEqual([kept]);
    expect([store.size, store.bytes]).toEqual([1, 10]);
  });

  it('keeps the place of a channel when it is updated, and counts its bytes once', async () => {
    const store = await opened();
    store.put(message('b', 10));
    store.put(message('a', 20));
    store.put(message('b', 5, 2));
    expect(store.match('**').map(({ channel, time }) => [channel, time])).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
    expect([store.size, store.bytes]).toEqual([2, 25]);
  });

  it('forgets a channel, and takes it as a new one after that', async () => {
    const store = await opened();
    for (const channel of ['a', 'b']) store.put(message(channel));
    expect(store.delete('a')).toBeUndefined();
    store.delete('never there');
    expect([store.size, store.bytes, store.get('a')]).toEqual([1, 10, undefined]);
    store.put(message('a'));
    expect(store.match('*').map(({ channel }) => channel)).toEqual(['b', 'a']);
  });

  it('matches as of now: what is put, updated or deleted later does not show', async () => {
    const store = await opened();
    store.put(message('a', 1));
    store.put(message('b', 1));
    const found = store.match('**');
    store.put(message('a', 1, 2));
    store.delete('b');
    store.put(message('c', 1));
    expect(found.map(({ channel, time }) => `${channel} ${time}`)).toEqual(['a 1', 'b 1']);
  });

  it('is empty after it was closed', async () => {
    const store = await opened();
    store.put(message('a'));
    await store.close();
    await store.close();
    expect([store.size, store.bytes, store.get('a'), store.match('**')]).toEqual([0, 0, undefined, []]);
  });

  it('holds what a simple list would hold, whatever is done to it', async () => {
    const token = fc.constantFrom('a', 'b', 'c');
    const channel = fc.array(token, { maxLength: 3 }).map((tokens) => tokens.join('/'));
    const pattern = fc
      .array(fc.oneof(token, fc.constant('*')), { maxLength: 3 })
      .chain((tokens) => fc.constantFrom([...tokens].join('/'), [...tokens, '**'].join('/')));
    const step = fc.oneof(
      fc.record({ put: channel, size: fc.nat(50) }),
      fc.record({ delete: channel }),
      fc.record({ match: pattern }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const store = await opened();
        const list: StoredMessage[] = [];
        for (const [time, one] of steps.entries()) {
          if ('put' in one) {
            const next = message(one.put, one.size, time);
            const index = list.findIndex((kept) => kept.channel === one.put);
            if (index < 0) list.push(next);
            else list[index] = next;
            store.put(next);
          } else if ('delete' in one) {
            const index = list.findIndex((kept) => kept.channel === one.delete);
            if (index >= 0) list.splice(index, 1);
            store.delete(one.delete);
          } else {
            expect(store.match(one.match)).toEqual(list.filter((kept) => matches(one.match, kept.channel)));
          }
          expect(store.size).toBe(list.length);
          expect(store.bytes).toBe(list.reduce((sum, kept) => sum + kept.frame.length, 0));
        }
      }),
    );
  });
});
