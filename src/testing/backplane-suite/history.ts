// What a backplane that remembers has to do.

import assert from 'node:assert/strict';

import { SpokeError } from '../../contracts/index.js';
import type { Member } from './member.js';
import { textOf } from './member.js';
import { historyOf, Reading, record } from './reading.js';

/** What a check can do to the engine. */
interface Engine {
  stop(): void | Promise<void>;
  start(): void | Promise<void>;
}

type Check = (what: string, run: (join: () => Promise<Member>, setup: Engine) => Promise<void>) => void;

const code = (expected: string) => (error: unknown) => error instanceof SpokeError && error.code === expected;

/** The setup keeps all below `h` as history, and nothing else. */
export function historyChecks(check: Check): void {
  check('records what is below its patterns, and says so', async (join) => {
    const history = historyOf(await join());
    assert.deepEqual(history.patterns, ['h/**']);
    assert.deepEqual(
      ['h', 'h/a', 'h/a/b', 'x', 'x/h', ''].map((channel) => history.keeps(channel)),
      [true, true, true, false, false, false],
    );
  });

  check('brings what is recorded to all who asked for its channel, in order with everything else', async (join) => {
    const [a, b] = [await join(), await join()];
    await b.subscribe('**');
    const sent: string[] = [];
    const recorded: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n++) {
      sent.push(`n${n}`);
      if (n % 3 === 0) a.say(`x/${n % 5}`, `n${n}`);
      else if (n % 3 === 1) recorded.push(a.keep(`k/${n % 7}`, `n${n}`));
      else recorded.push(record(a, `h/${n % 4}`, `n${n}`));
    }
    await Promise.all(recorded);
    await b.hears('n199');
    assert.deepEqual(b.messages, sent);
    assert.deepEqual(a.messages, []);
  });

  check('replays from the start, and goes on without a gap or a repetition', async (join) => {
    const [a, b] = [await join(), await join()];
    for (let n = 0; n < 50; n++) await record(a, `h/${n % 3}`, `n${n}`);
    const more: Promise<unknown>[] = [];
    const opening = Reading.open(b, 'h/**', 'start');
    for (let n = 50; n < 150; n++) more.push(record(a, `h/${n % 3}`, `n${n}`));
    const reading = await opening;
    await Promise.all(more);
    await reading.reads('n149');
    assert.deepEqual(
      reading.texts,
      Array.from({ length: 150 }, (_, n) => `n${n}`),
    );
    await reading.until('it has caught up', () => reading.caughtUp === 1);
    const sequences = reading.entries.map(({ sequence }) => sequence);
    assert.deepEqual(
      sequences,
      [...new Set(sequences)].sort((x, y) => x - y),
    );
  });

  check('reads a part of the channels', async (join) => {
    const a = await join();
    for (const channel of ['h', 'h/a', 'h/a/b', 'h/c/b', 'h/é .>/b']) await record(a, channel, `on ${channel}`);
    const readings: Reading[] = [];
    for (const pattern of ['h', 'h/a', 'h/*', 'h/*/b', 'h/a/**', 'h/é .>/b'])
      readings.push(await Reading.open(a, pattern, 'start'));
    await record(a, 'h/é .>/b', 'end');
    for (const reading of readings) await reading.until('it has caught up', () => reading.caughtUp === 1);
    assert.deepEqual(
      readings.map(({ texts }) => texts.filter((text) => text !== 'end')),
      [
        ['on h'],
        ['on h/a'],
        ['on h/a'],
        ['on h/a/b', 'on h/c/b', 'on h/é .>/b'],
        ['on h/a', 'on h/a/b'],
        ['on h/é .>/b'],
      ],
    );
  });

  check('replays from a time, from a sequence, and only what is new', async (join) => {
    const a = await join();
    for (const text of ['one', 'two', 'three']) await record(a, 'h/x', text);
    const all = await Reading.open(a, 'h/**', 'start');
    await all.reads('three');
    const [, two, three] = all.entries;
    const fresh = await Reading.open(a, 'h/**', 'new');
    const later = await Reading.open(a, 'h/**', { sequence: two?.sequence ?? 0, epoch: all.reader.epoch });
    const other = await Reading.open(a, 'h/**', { sequence: 3, epoch: 'of another engine' });
    const timed = await Reading.open(a, 'h/**', { time: (three?.stored ?? 0) + 60_000 });
    const sinceLong = await Reading.open(a, 'h/**', { time: (three?.stored ?? 0) - 60_000 });
    await record(a, 'h/x', 'four');
    for (const reading of [fresh, later, other, timed, sinceLong]) await reading.reads('four');
    assert.deepEqual(fresh.texts, ['four']);
    assert.deepEqual(later.texts, ['two', 'three', 'four']);
    assert.deepEqual(other.texts, ['one', 'two', 'three', 'four']);
    assert.deepEqual(sinceLong.texts, ['one', 'two', 'three', 'four']);
    assert.deepEqual(timed.texts, ['four']);
  });

  check('records what has one id once', async (join) => {
    const [a, b] = [await join(), await join()];
    assert.deepEqual(await record(a, 'h/x', 'first', 'client:1'), { fresh: true });
    assert.deepEqual(await record(b, 'h/x', 'again', 'client:1'), { fresh: false });
    await record(b, 'h/x', 'end');
    const reading = await Reading.open(a, 'h/**', 'start');
    await reading.reads('end');
    assert.deepEqual(reading.texts, ['first', 'end']);
  });

  check('tells no more than there is room for', async (join) => {
    const a = await join();
    for (let n = 0; n < 30; n++) await record(a, 'h/x', `n${n}`);
    for (const durable of [undefined, 'slow']) {
      const reading = await Reading.open(a, 'h/**', 'start', { room: 3, ...(durable !== undefined && { durable }) });
      await reading.reads('n2');
      reading.reader.more(4);
      await reading.reads('n6');
      await a.plane.flush();
      assert.equal(reading.entries.length, 7);
      reading.reader.more(100);
      await reading.reads('n29');
    }
  });

  check('goes on where a durable stopped, whoever reads it next', async (join) => {
    const [a, b] = [await join(), await join()];
    await record(a, 'h/x', 'before');
    const first = await Reading.open(a, 'h/**', 'new', { durable: 'work' });
    await record(a, 'h/x', 'one');
    await record(a, 'h/x', 'two');
    await first.reads('two');
    first.finish();
    await first.reader.close();
    await first.reader.close();
    await record(a, 'h/x', 'three');
    const second = await Reading.open(b, 'h/**', 'start', { durable: 'work' });
    await second.reads('three');
    assert.deepEqual(first.texts, ['one', 'two']);
    assert.deepEqual(second.texts, ['three']);
    assert.equal(second.entries[0]?.deliveries, 1);
  });

  check('gives to others at once what a durable had and did not do', async (join) => {
    const [a, b] = [await join(), await join()];
    const first = await Reading.open(a, 'h/**', 'start', { durable: 'work' });
    for (const text of ['one', 'two', 'three']) await record(a, 'h/x', text);
    await first.reads('three');
    first.reader.done(first.entries[1]?.sequence ?? 0);
    await first.reader.close();
    const second = await Reading.open(b, 'h/**', 'start', { durable: 'work' });
    await second.reads('one', 'three');
    assert.deepEqual([...second.texts].sort(), ['one', 'three']);
    assert.deepEqual(
      second.entries.map(({ deliveries }) => deliveries),
      [2, 2],
    );
  });

  check('shares the work of a durable among all who read it', async (join) => {
    const [a, b] = [await join(), await join()];
    const one = await Reading.open(a, 'h/**', 'start', { durable: 'work', room: 5 });
    const two = await Reading.open(b, 'h/**', 'start', { durable: 'work', room: 5 });
    const readings = [one, two];
    const sent = Array.from({ length: 60 }, (_, n) => `n${n}`);
    for (const text of sent) await record(a, 'h/x', text);
    const done = new Set<number>();
    const work = (): boolean => {
      for (const reading of readings) {
        for (const { sequence } of reading.entries) {
          if (done.has(sequence)) continue;
          done.add(sequence);
          reading.reader.done(sequence);
          reading.reader.more(1);
        }
      }
      return done.size === sent.length;
    };
    const seen = (member: Member, other: Member) => member.until('all is done', work).then(() => other.changed());
    await Promise.all([seen(a, b), seen(b, a)]);
    assert.deepEqual([...one.texts, ...two.texts].sort(), [...sent].sort());
    assert.ok(one.entries.length > 0 && two.entries.length > 0);
  });

  check('tells again what is given back, when it is time', async (join) => {
    const a = await join();
    const reading = await Reading.open(a, 'h/**', 'start', { durable: 'work' });
    await record(a, 'h/x', 'one');
    await record(a, 'h/x', 'two');
    await reading.reads('two');
    const [one, two] = reading.entries;
    reading.reader.done(two?.sequence ?? 0);
    reading.reader.again(one?.sequence ?? 0, 50);
    await reading.until('it comes again', () => reading.entries.length === 3);
    const [, , again] = reading.entries;
    assert.equal(textOf(again?.data ?? new Uint8Array()), 'one');
    assert.deepEqual([again?.sequence, again?.deliveries], [one?.sequence, 2]);
  });

  check('lists durables, and ends them', async (join) => {
    const [a, b] = [await join(), await join()];
    const reading = await Reading.open(a, 'h/*', 'start', { durable: 'näme of/it *>.', room: 2 });
    for (let n = 0; n < 5; n++) await record(a, 'h/x', `n${n}`);
    await reading.reads('n1');
    reading.reader.done(reading.entries[0]?.sequence ?? 0);
    await a.plane.flush();
    assert.deepEqual(await historyOf(b).durables(), [
      { name: 'näme of/it *>.', pattern: 'h/*', waiting: 3, unfinished: 1 },
    ]);
    assert.equal(await historyOf(b).remove('näme of/it *>.'), true);
    assert.equal(await historyOf(b).remove('näme of/it *>.'), false);
    await reading.until('it has ended', () => reading.end !== undefined);
    assert.equal(reading.end?.code, 'CLOSED');
    assert.deepEqual(await historyOf(a).durables(), []);
  });

  check('refuses what it does not keep, and one name for two patterns', async (join) => {
    const a = await join();
    for (const pattern of ['**', 'x', '*/a']) {
      await assert.rejects(Reading.open(a, pattern, 'start'), code('UNSUPPORTED'), pattern);
    }
    await Reading.open(a, 'h/a', 'start', { durable: 'work' });
    await Reading.open(a, 'h/a', 'start', { durable: 'work' });
    await assert.rejects(Reading.open(a, 'h/b', 'start', { durable: 'work' }), code('DUPLICATE'));
    await record(a, 'h/a', 'end');
    assert.deepEqual(
      (await historyOf(a).durables()).map(({ pattern }) => pattern),
      ['h/a'],
    );
  });

  check('goes on after the engine was away: nothing that was acknowledged is missing', async (join, setup) => {
    const [a, b] = [await join(), await join()];
    const plain = await Reading.open(b, 'h/**', 'start');
    const durable = await Reading.open(b, 'h/**', 'start', { durable: 'work' });
    for (let n = 0; n < 10; n++) await record(a, 'h/x', `n${n}`);
    await durable.reads('n9');
    durable.finish();
    await b.plane.flush();
    await setup.stop();
    for (const member of [a, b]) await member.until('it is away', () => member.reached.at(-1) === false);
    await assert.rejects(historyOf(a).durables(), code('STORE_FAILED'));
    const waiting = Array.from({ length: 20 }, (_, n) => record(a, 'h/x', `n${10 + n}`));
    await setup.start();
    await Promise.all(waiting);
    await record(a, 'h/x', 'end');
    const sent = [...Array.from({ length: 30 }, (_, n) => `n${n}`), 'end'];
    await plain.reads(...sent);
    assert.deepEqual(plain.texts, sent);
    await durable.reads(...sent);
    // What was done may come again, as an engine forgets; in its place, what comes first is in order.
    assert.deepEqual([...new Set(durable.texts)], sent);
  });
}
