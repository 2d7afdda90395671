// What every MessageStore has to do, for any test runner.

import assert from 'node:assert/strict';

import type { MessageStore, StoredMessage } from '../contracts/index.js';
import type { Runner } from './transport-suite.js';

export interface StoreSetup {
  /** Not yet open. */
  readonly store: MessageStore;
  /** For a store that outlives its process: another instance on the same place, after the first was closed. */
  reopen?(): MessageStore | Promise<MessageStore>;
  /** Removes what the setup made. */
  close?(): void | Promise<void>;
}

export type MakeStoreSetup = () => StoreSetup | Promise<StoreSetup>;

/** Declares the tests of a message store. `makeSetup` is called for each. */
export function storeSuite(runner: Runner, name: string, makeSetup: MakeStoreSetup): void {
  const check = (what: string, run: (store: MessageStore, setup: StoreSetup) => Promise<void>) => {
    runner.it(what, async () => {
      const setup = await makeSetup();
      await setup.store.open();
      try {
        await run(setup.store, setup);
      } finally {
        await setup.store.close();
        await setup.close?.();
      }
    });
  };

  runner.describe(`${name} store`, () => {
    check('is empty at first', async (store) => {
      assert.equal(store.size, 0);
      assert.equal(store.bytes, 0);
      assert.equal(store.get('a'), undefined);
      assert.deepEqual(store.match('**'), []);
    });

    check('shows what was put at once, and again after it is durable', async (store) => {
      const durable = store.put(message('a/b', 1, 'x'));
      same(store.get('a/b'), message('a/b', 1, 'x'));
      assert.deepEqual(channels(store.match('a/*')), ['a/b']);
      await durable;
      same(store.get('a/b'), message('a/b', 1, 'x'));
      assert.equal(store.size, 1);
    });

    check('keeps the frame as it was handed over', async (store) => {
      const frame = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
      await store.put({ channel: 'binary', time: 1.25, codec: 'msgpack', frame });
      const kept = store.get('binary');
      assert.deepEqual([...(kept?.frame ?? [])], [...frame]);
      assert.equal(kept?.codec, 'msgpack');
      assert.equal(kept.time, 1.25);
    });

    check('remembers when a message expires, and that another never does', async (store) => {
      await store.put({ ...message('a', 1, 'x'), expires: 1795344144.5 });
      await store.put(message('b', 1, 'x'));
      assert.equal(store.get('a')?.expires, 1795344144.5);
      assert.equal(store.get('b')?.expires, undefined);
      await store.put(message('a', 2, 'x'));
      assert.equal(store.get('a')?.expires, undefined);
    });

    check('remembers notes, which are no messages', async (store) => {
      await store.note('seen/a', Uint8Array.of(1, 2, 3));
      const durable = store.note('gone/\u{1f98a} \ud800', new Uint8Array(0));
      assert.deepEqual(notes(store), { 'seen/a': [1, 2, 3], 'gone/\u{1f98a} \ud800': [] });
      await durable;
      await store.note('seen/a', Uint8Array.of(4));
      await store.note('gone/\u{1f98a} \ud800', undefined);
      await store.note('never there', undefined);
      assert.deepEqual(notes(store), { 'seen/a': [4] });
      assert.deepEqual([store.size, store.bytes, store.match('**')], [0, 0, []]);
    });

    check('replaces what a channel had, and counts its bytes once', async (store) => {
      await store.put(message('a', 1, 'long text'));
      await store.put(message('a', 2, 'x'));
      same(store.get('a'), message('a', 2, 'x'));
      assert.equal(store.size, 1);
      assert.equal(store.bytes, message('a', 2, 'x').frame.length);
    });

    check('forgets what is deleted, at once', async (store) => {
      await store.put(message('a', 1, 'x'));
      const durable = store.delete('a');
      assert.equal(store.get('a'), undefined);
      assert.deepEqual(store.match('**'), []);
      assert.equal(store.size, 0);
      assert.equal(store.bytes, 0);
      await durable;
      assert.equal(store.get('a'), undefined);
    });

    check('takes the deletion of what it does not have', async (store) => {
      await store.delete('nothing');
      assert.equal(store.size, 0);
      assert.equal(store.bytes, 0);
    });

    check('matches in the order in which channels were first kept; an update does not move one', async (store) => {
      for (const channel of ['z', 'a', 'm', 'a/b']) await store.put(message(channel, 1, channel));
      await store.put(message('z', 2, 'new'));
      assert.deepEqual(channels(store.match('**')), ['z', 'a', 'm', 'a/b']);
      assert.deepEqual(channels(store.match('*')), ['z', 'a', 'm']);
      await store.delete('a');
      await store.put(message('a', 3, 'again'));
      assert.deepEqual(channels(store.match('**')), ['z', 'm', 'a/b', 'a']);
    });

    check('matches patterns as the router does', async (store) => {
      for (const channel of ['', 'a', 'a/b', 'a/b/c', 'b/c', 'a/x/c', '*'])
        await store.put(message(channel, 1, channel));
      const matched = (pattern: string) => channels(store.match(pattern)).sort();
      assert.deepEqual(matched('a/**'), ['a', 'a/b', 'a/b/c', 'a/x/c']);
      assert.deepEqual(matched('a/*/c'), ['a/b/c', 'a/x/c']);
      assert.deepEqual(matched('*/**'), ['*', 'a', 'a/b', 'a/b/c', 'a/x/c', 'b/c']);
      assert.deepEqual(matched('**/c'), ['a/b/c', 'a/x/c', 'b/c']);
      assert.deepEqual(matched('a/b'), ['a/b']);
      assert.deepEqual(matched(''), ['']);
      assert.deepEqual(matched('no/such'), []);
    });

    check('hands out snapshots: a match does not change with the store', async (store) => {
      await store.put(message('a', 1, 'x'));
      const before = store.match('**');
      await store.put(message('b', 1, 'x'));
      await store.delete('a');
      assert.deepEqual(channels(before), ['a']);
    });

    check('takes channels of any characters and of the longest length', async (store) => {
      const odd = [
        'ü/✓',
        'a b',
        '"',
        '\\',
        '\u0001',
        '__proto__',
        'constructor',
        '🦊'.repeat(512),
        'x/'.repeat(500) + 'x',
        'half a pair \ud800',
        'half a pair \ufffd',
      ];
      for (const channel of odd) await store.put(message(channel, 1, channel));
      for (const channel of odd) same(store.get(channel), message(channel, 1, channel));
      assert.deepEqual(channels(store.match('**')), odd);
    });

    check('has many puts under way at once', async (store) => {
      const puts = Array.from({ length: 1000 }, async (_, n) => store.put(message(`n/${n % 100}`, n, String(n))));
      await Promise.all(puts);
      assert.equal(store.size, 100);
      same(store.get('n/7'), message('n/7', 907, '907'));
    });

    check('closes any number of times', async (store) => {
      await store.close();
      await store.close();
    });

    check('has everything, in order, when it is opened again, if it says that it lasts', async (store, setup) => {
      if (setup.reopen === undefined) return;
      for (const channel of ['z', 'a', 'm']) await store.put(message(channel, 1, channel));
      await store.put(message('z', 2, 'new'));
      await store.delete('a');
      await store.put({ ...message('m', 3, 'm'), expires: 7 });
      for (const n of [1, 2]) await store.note('seen', Uint8Array.of(n));
      await store.note('gone', Uint8Array.of(1));
      await store.note('gone', undefined);
      // Not waited for: closing does.
      void store.put(message('\ud800', 4, 'last'));
      await store.close();
      const again = await setup.reopen();
      await again.open();
      try {
        assert.deepEqual(channels(again.match('**')), ['z', 'm', '\ud800']);
        same(again.get('z'), message('z', 2, 'new'));
        same(again.get('\ud800'), message('\ud800', 4, 'last'));
        assert.deepEqual([again.get('m')?.expires, again.get('z')?.expires], [7, undefined]);
        assert.deepEqual(notes(again), { seen: [2] });
        assert.equal(again.size, 3);
        assert.equal(again.bytes, 'newmlast'.length);
        await again.put(message('b', 1, 'b'));
        assert.deepEqual(channels(again.match('**')), ['z', 'm', '\ud800', 'b']);
      } finally {
        await again.close();
      }
    });
  });
}

function message(channel: string, time: number, text: string): StoredMessage {
  return { channel, time, codec: 'json', frame: new TextEncoder().encode(text) };
}

function notes(store: MessageStore): Record<string, readonly number[]> {
  return Object.fromEntries([...store.notes()].map(([key, value]) => [key, [...value]]));
}

function channels(messages: readonly StoredMessage[]): string[] {
  return messages.map(({ channel }) => channel);
}

function same(kept: StoredMessage | undefined, expected: StoredMessage): void {
  assert.ok(kept !== undefined, `nothing is kept on ${expected.channel}`);
  assert.equal(kept.channel, expected.channel);
  assert.equal(kept.time, expected.time);
  assert.equal(kept.codec, expected.codec);
  assert.equal(new TextDecoder().decode(kept.frame), new TextDecoder().decode(expected.frame));
}
