// What every Backplane has to do, for any test runner.

import assert from 'node:assert/strict';

import { matches } from '../channels/index.js';
import type { Backplane } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { historyChecks } from './backplane-suite/history.js';
import { Member } from './backplane-suite/member.js';
import type { Runner } from './transport-suite.js';

export interface BackplaneSetup {
  /** A backplane for one more broker, on the same engine. Not yet open. */
  make(): Backplane;
  /** The engine ends, and what it has acknowledged outlasts that. */
  stop(): void | Promise<void>;
  /** It is there again. */
  start(): void | Promise<void>;
  /** Removes what the setup made. */
  close?(): void | Promise<void>;
}

export type MakeBackplaneSetup = () => BackplaneSetup | Promise<BackplaneSetup>;

const ODD = [
  '',
  'ü/✓',
  'a b',
  'a.b',
  'a/b.c',
  '>',
  '*',
  '**',
  'a/>',
  '!',
  'a/!',
  '%21',
  '"\\',
  '\u0001\t\r\n\u0000',
  '__proto__',
  '$SYS/x',
  '🦊'.repeat(100),
  'x/'.repeat(60) + 'x',
  'half a pair \ud800',
  'half a pair \udc00',
  'half a pair \ufffd',
];

/**
 * Declares the tests of a backplane that joins brokers.
 * @param makeSetup - called for each.
 * @param options - `history`: whether its backplanes keep all below `h` as history, and nothing else; default: they have none.
 */
export function backplaneSuite(
  runner: Runner,
  name: string,
  makeSetup: MakeBackplaneSetup,
  { history = false }: { readonly history?: boolean } = {},
): void {
  const check = (what: string, run: (join: () => Promise<Member>, setup: BackplaneSetup) => Promise<void>) => {
    runner.it(what, async () => {
      const setup = await makeSetup();
      const members: Member[] = [];
      const join = async () => {
        const member = new Member(setup.make());
        members.push(member);
        return member.open();
      };
      try {
        await run(join, setup);
      } finally {
        for (const member of members) await member.plane.close();
        await setup.close?.();
      }
    });
  };

  runner.describe(`${name} backplane`, () => {
    check('brings a message to all who asked for its channel, and not back', async (join) => {
      const [a, b, c] = [await join(), await join(), await join()];
      await a.subscribe('x/y');
      await b.subscribe('x/y');
      await c.subscribe('x/*');
      a.say('x/y', 'hello');
      b.say('x/y', 'end');
      await b.hears('hello');
      await c.hears('hello');
      await c.hears('end');
      await a.hears('end');
      assert.deepEqual(a.messages, ['end']);
      // Of two members: in any order.
      assert.deepEqual([...c.messages].sort(), ['end', 'hello']);
    });

    check('brings nothing of other channels to who asked for a channel', async (join) => {
      const [a, b] = [await join(), await join()];
      await b.subscribe('x/y', 'end');
      for (const channel of ['x', 'x/y/z', 'y', 'X/Y', '']) a.say(channel, channel);
      a.say('end', 'end');
      await b.hears('end');
      assert.deepEqual(b.messages, ['end']);
    });

    const patterns = ['**', '*', '*/**', 'a/**', 'a/*', 'a/*/c', '**/c', 'a/**/c', '*/b/**', 'a/b', ''];
    for (const pattern of patterns) {
      check(`misses nothing that matches ${JSON.stringify(pattern)}`, async (join) => {
        const [a, b] = [await join(), await join()];
        await b.subscribe(pattern, 'end');
        const channels = ['', 'a', 'b', 'c', 'a/b', 'a/c', 'a/b/c', 'b/b/c', 'a/x/y/c', 'x/c', '*', 'a/**/c'];
        for (const channel of channels) a.say(channel, `on ${channel}`);
        a.say('end', 'end');
        await b.hears('end');
        for (const channel of channels) {
          const heard = b.messages.includes(`on ${channel}`);
          assert.ok(heard || !matches(pattern, channel), `${channel} is missing`);
          if (a.plane.widened(pattern) === pattern) assert.equal(heard, matches(pattern, channel), channel);
        }
      });
    }

    check('takes channels of any characters, and confuses none', async (join) => {
      const [a, b] = [await join(), await join()];
      await b.subscribe(...ODD, 'the end');
      for (const [index, channel] of ODD.entries()) {
        assert.equal(a.plane.refuses(channel, 100), undefined, channel);
        a.say(channel, `live ${index}`);
        await a.keep(channel, `kept ${index}`);
      }
      a.say('the end', 'end');
      await b.hears('end');
      for (const index of ODD.keys()) {
        assert.ok(b.messages.includes(`live ${index}`), `live ${index}`);
        assert.ok(b.messages.includes(`kept ${index}`), `kept ${index}`);
      }
      const c = await join();
      assert.deepEqual(
        c.entries.map(({ channel, text }) => [channel, text]),
        ODD.map((channel, index) => [channel, `kept ${index}`]),
      );
    });

    check('keeps the order in which a broker publishes, live or to be kept, on any channels', async (join) => {
      const [a, b] = [await join(), await join()];
      await b.subscribe('**');
      const sent: string[] = [];
      const kept: Promise<unknown>[] = [];
      for (let n = 0; n < 500; n++) {
        sent.push(`n${n}`);
        if (n % 3 === 0) kept.push(a.keep(`c/${n % 7}`, `n${n}`));
        else a.say(`c/${n % 5}`, `n${n}`);
      }
      await Promise.all(kept);
      await b.hears('n499');
      assert.deepEqual(b.messages, sent);
    });

    check('brings no more of what is asked for no more', async (join) => {
      const [a, b] = [await join(), await join()];
      await b.subscribe('x', 'end');
      b.plane.unsubscribe('x');
      await b.plane.flush();
      a.say('x', 'too late');
      a.say('end', 'end');
      await b.hears('end');
      assert.deepEqual(b.messages, ['end']);
    });

    check('has taken in subscriptions when a flush is over: what is published then comes', async (join) => {
      const [a, b] = [await join(), await join()];
      for (let n = 0; n < 20; n++) {
        await b.subscribe(`c/${n}`);
        a.say(`c/${n}`, `m${n}`);
        await b.hears(`m${n}`);
      }
    });

    check('brings every byte as it was', async (join) => {
      const [a, b] = [await join(), await join()];
      await b.subscribe('x');
      const text = Array.from({ length: 60_000 }, (_, n) => String.fromCharCode(n % 128)).join('');
      a.say('x', text);
      a.say('x', '');
      await b.hears('');
      assert.deepEqual(b.messages, [text, '']);
    });

    check('says of what is too big that it cannot cross, and takes anything else', async (join) => {
      const a = await join();
      assert.equal(a.plane.refuses('x', 1000), undefined);
      const refused = a.plane.refuses('x', 1024 * 1024 * 1024);
      assert.ok(refused === undefined || refused.code === 'LIMIT_EXCEEDED');
    });

    check('tells everybody what is kept, its publisher as well', async (join) => {
      const [a, b] = [await join(), await join()];
      assert.deepEqual(await a.keep('x', 'one'), { fresh: true });
      for (const member of [a, b]) await member.until('it is told', () => member.state['x'] === 'one');
      await b.keep('x', 'two');
      for (const member of [a, b]) await member.until('it is told', () => member.state['x'] === 'two');
      const revisions = a.entries.map(({ revision }) => revision);
      assert.ok((revisions[0] ?? 0) < (revisions[1] ?? 0));
    });

    check('tells whoever joins all that is kept before it has joined, the last of each channel', async (join) => {
      const a = await join();
      const kept: Promise<unknown>[] = [];
      for (let n = 0; n < 300; n++) kept.push(a.keep(`c/${n % 100}`, `n${n}`));
      await Promise.all(kept);
      const b = await join();
      assert.deepEqual(b.state, Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`c/${n}`, `n${200 + n}`])));
      const revisions = b.entries.map(({ revision }) => revision);
      assert.deepEqual(
        revisions,
        [...revisions].sort((x, y) => x - y),
      );
    });

    check('keeps what has one id once', async (join) => {
      const [a, b] = [await join(), await join()];
      assert.deepEqual(await a.keep('x', 'first', undefined, 'client:1'), { fresh: true });
      assert.deepEqual(await b.keep('x', 'again', undefined, 'client:1'), { fresh: false });
      await a.keep('end', 'end');
      await b.until('the end is told', () => b.state['end'] === 'end');
      assert.equal(b.state['x'], 'first');
    });

    check('keeps something on condition that nothing else has come', async (join) => {
      const [a, b] = [await join(), await join()];
      assert.deepEqual(await a.keep('x', 'one', 0), { fresh: true });
      assert.deepEqual(await a.keep('x', 'two', 0), { fresh: false });
      await b.until('it is told', () => b.state['x'] === 'one');
      const { revision = 0 } = b.entries.find(({ channel }) => channel === 'x') ?? {};
      const results = await Promise.all([a.keep('x', 'by a', revision), b.keep('x', 'by b', revision)]);
      assert.equal(results.filter(({ fresh }) => fresh).length, 1);
    });

    check('forgets what need not be kept any more, unless something newer is', async (join) => {
      const [a, b] = [await join(), await join()];
      await a.keep('x', 'one');
      await a.keep('y', 'one');
      await a.until('all is told', () => a.entries.length === 2);
      const [x, y] = a.entries;
      await b.keep('y', 'two');
      a.plane.forget('x', x?.revision ?? 0);
      a.plane.forget('y', y?.revision ?? 0);
      await a.keep('end', 'end');
      await a.plane.flush();
      const c = await join();
      assert.deepEqual(c.state, { y: 'two', end: 'end' });
    });

    check('tells all others, or one', async (join) => {
      const [a, b, c] = [await join(), await join(), await join()];
      a.plane.tell(new TextEncoder().encode('to all'));
      b.plane.tell(new TextEncoder().encode('to c'), c.id);
      a.plane.tell(new TextEncoder().encode('end'));
      for (const member of [b, c]) await member.until('the end is told', () => member.news.includes('end'));
      // Told by another member than the end.
      await c.until('it is told', () => c.news.includes('to c'));
      assert.deepEqual(a.news, []);
      assert.deepEqual(b.news, ['to all', 'end']);
      assert.deepEqual([...c.news].sort(), ['end', 'to all', 'to c']);
    });

    check('says that nobody heard what was told to a broker that has left', async (join) => {
      const [a, b, c] = [await join(), await join(), await join()];
      a.plane.tell(new TextEncoder().encode('one'), b.id);
      await b.until('it is told', () => b.news.includes('one'));
      await b.plane.close();
      a.plane.tell(new TextEncoder().encode('two'), c.id);
      a.plane.tell(new TextEncoder().encode('three'), b.id);
      await a.until('it is known', () => a.missing.length > 0);
      await c.until('it is told', () => c.news.includes('two'));
      assert.deepEqual(a.missing, [b.id]);
    });

    check('goes on after the engine was away: subscribed again, and told what it missed', async (join, setup) => {
      const [a, b] = [await join(), await join()];
      await b.subscribe('x/**');
      await a.keep('x/1', 'before');
      await setup.stop();
      for (const member of [a, b]) await member.until('it is away', () => member.reached.at(-1) === false);
      assert.equal(a.plane.stats.reachable, false);
      a.say('x/live', 'lost');
      assert.ok(a.plane.stats.dropped > 0);
      await b.plane.flush();
      const waiting = a.keep('x/2', 'during');
      await setup.start();
      for (const member of [a, b]) await member.until('it is back', () => member.reached.at(-1) === true);
      assert.deepEqual(await waiting, { fresh: true });
      await b.until('it is told', () => b.state['x/2'] === 'during');
      await b.plane.flush();
      a.say('x/live', 'after');
      await b.hears('after');
      assert.ok(!b.messages.includes('lost'));
      const c = await join();
      assert.deepEqual(c.state, { 'x/1': 'before', 'x/2': 'during' });
    });

    check('waits for the engine with no more than it may, and says so', async (join, setup) => {
      const a = await join();
      await setup.stop();
      await a.until('it is away', () => a.reached.at(-1) === false);
      const big = 'x'.repeat(1024 * 1024 - 100_000);
      const results = await Promise.allSettled([
        ...Array.from({ length: 12 }, (_, n) => a.keep(`c/${n}`, big)),
        setup.start(),
      ]);
      const refused = results.filter(({ status }) => status === 'rejected');
      assert.ok(refused.length > 0);
      for (const result of refused) {
        assert.ok(result.status === 'rejected' && result.reason instanceof SpokeError);
        assert.equal(result.reason.code, 'STORE_FAILED');
      }
      assert.deepEqual(await a.keep('end', 'end'), { fresh: true });
    });

    check('leaves once, and the others go on', async (join) => {
      const [a, b, c] = [await join(), await join(), await join()];
      for (const member of [a, b, c]) await member.subscribe('x');
      b.say('x', 'goodbye');
      await b.plane.close();
      await b.plane.close();
      await c.hears('goodbye');
      a.say('x', 'still here');
      await c.hears('still here');
      assert.ok(!b.messages.includes('still here'));
      await assert.rejects(b.keep('x', 'too late'));
    });

    check('does not open when it is told to stop', async (_join, setup) => {
      const member = new Member(setup.make());
      const reason = new SpokeError('ABORTED', 'no more');
      await assert.rejects(member.open(AbortSignal.abort(reason)));
      await member.plane.close();
    });

    check('does not open without an engine', async (_join, setup) => {
      await setup.stop();
      const member = new Member(setup.make());
      await assert.rejects(member.open(), (error) => error instanceof SpokeError && error.code === 'CONNECT_FAILED');
      await member.plane.close();
    });

    if (history) historyChecks(check);
  });
}
