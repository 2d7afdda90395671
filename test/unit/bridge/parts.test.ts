// The smaller parts of a bridge.

import { describe, expect, it } from '@jest/globals';

import { Asked } from '../../../src/bridge/asked.js';
import { ContentIds } from '../../../src/bridge/content-id.js';
import { WaitingFrames } from '../../../src/bridge/waiting.js';
import { readId } from '../../../src/broker/seen.js';
import { JsonCodec } from '../../../src/codecs/index.js';
import { DEFAULT_LIMITS } from '../../../src/contracts/index.js';

describe('what waits', () => {
  const frame = (size: number) => new Uint8Array(size);

  it('comes out as it went in', () => {
    const waiting = new WaitingFrames(1_000_000);
    const frames = Array.from({ length: 5000 }, (_, n) => Uint8Array.of(n & 0xff, n >> 8));
    frames.forEach((one, n) => waiting.add(one, false, n));
    expect([waiting.size, waiting.bytes, waiting.since]).toEqual([5000, 10_000, 0]);
    for (const one of frames) expect(waiting.take()).toBe(one);
    expect([waiting.take(), waiting.size, waiting.bytes, waiting.since]).toEqual([undefined, 0, 0, undefined]);
  });

  it('loses the oldest when it is too much, and says whether that was kept somewhere', () => {
    const waiting = new WaitingFrames(100);
    expect(waiting.add(frame(60), true, 1)).toBe(false);
    expect(waiting.add(frame(60), false, 2)).toBe(true);
    expect(waiting.add(frame(60), false, 3)).toBe(false);
    expect([waiting.size, waiting.bytes, waiting.dropped, waiting.since]).toEqual([1, 60, 2, 3]);
    waiting.add(frame(200), false, 4);
    expect([waiting.size, waiting.bytes, waiting.dropped]).toEqual([0, 0, 4]);
  });

  it('can be given up', () => {
    const waiting = new WaitingFrames(1000);
    for (let n = 0; n < 3; n++) waiting.add(frame(10), false, n);
    waiting.drop();
    expect([waiting.size, waiting.bytes, waiting.dropped]).toEqual([0, 0, 3]);
  });
});

describe('what a broker is asked for', () => {
  const asked = () =>
    new Asked({
      sources: (pattern) => (pattern.startsWith('x') ? ['x/**'] : [pattern]),
      everything: () => ['x/**', 'p/**'],
    });
  const news = (of: Asked) => [...of.news()];

  it('is a step farther away than what is wanted on the other side', () => {
    const here = asked();
    here.want('a', 0);
    here.want('b', 14);
    here.want('c', 15);
    expect(news(here)).toEqual([{ set: [['a', 1], ['b', 15]], unset: [] }]); // prettier-ignore
    here.want('a', undefined);
    here.want('b', 3);
    expect(news(here)).toEqual([{ set: [['b', 4]], unset: ['a'] }]);
    expect(news(here)).toEqual([]);
  });

  it('may be needed by several, and counts as near as the nearest', () => {
    const here = asked();
    here.want('x/1', 3);
    here.want('x/2', 1);
    expect(news(here)).toEqual([{ set: [['x/**', 2]], unset: [] }]);
    here.want('x/2', undefined);
    expect(news(here)).toEqual([{ set: [['x/**', 4]], unset: [] }]);
    here.want('x/1', undefined);
    expect(news(here)).toEqual([{ set: [], unset: ['x/**'] }]);
  });

  it('is told again to a broker that has forgotten', () => {
    const here = asked();
    here.want('a', 0);
    news(here);
    here.restart();
    expect(news(here)).toEqual([{ set: [['a', 1]], unset: [] }]);
  });

  it('is told in parts when there is much of it', () => {
    const here = asked();
    for (let n = 0; n < 2500; n++) here.want(`p/${n}`, 0);
    expect(news(here).map(({ set }) => set.length)).toEqual([1000, 1000, 500]);
  });

  it('is everything that may cross when it is very many, and what is wanted again when it is not', () => {
    const here = asked();
    const told = new Map<string, number>();
    const hear = () => {
      for (const { set, unset } of news(here)) {
        for (const [pattern, distance] of set) told.set(pattern, distance);
        for (const pattern of unset) expect(told.delete(pattern)).toBe(true);
        // What is wanted is never left out meanwhile.
        expect(told.has('p/**') || told.has('p/0')).toBe(true);
      }
    };
    for (let n = 0; n < 10_000; n++) here.want(`p/${n}`, 0);
    hear();
    expect(told.size).toBe(10_000);
    here.want('x/1', 0);
    hear();
    expect(Object.fromEntries(told)).toEqual({ 'p/**': 1, 'x/**': 1 });
    here.want('p/10000', 0);
    expect(news(here)).toEqual([]);
    here.restart();
    told.clear();
    hear();
    expect(Object.fromEntries(told)).toEqual({ 'p/**': 1, 'x/**': 1 });
    for (let n = 1; n < 9999; n++) here.want(`p/${n}`, undefined);
    hear();
    expect(Object.fromEntries(told)).toEqual({ 'p/0': 1, 'p/9999': 1, 'p/10000': 1, 'x/**': 1 });
  });
});

describe('an id by content', () => {
  const codec = new JsonCodec();
  const view = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    return codec.createReader(DEFAULT_LIMITS).read(bytes, 0, bytes.length);
  };
  const message = (channel: string, body: string, time = 5) =>
    view(`{"head": {"channel": "${channel}", "time": ${time}}, "body": ${body}}`);

  it('is the same for the same message wherever it is read, and an id', () => {
    const [one, other] = [new ContentIds(), new ContentIds()];
    const id = one.idOf(message('a', '{"x": 1}'));
    expect(other.idOf(message('a', '{"x": 1}'))).toBe(id);
    expect(readId(id)).toMatchObject({ sequence: 1 });
  });

  it('counts what comes again', () => {
    const ids = new ContentIds();
    const all = [1, 2, 3].map(() => readId(ids.idOf(message('a', '1'))));
    expect(all.map((id) => id?.sequence)).toEqual([1, 2, 3]);
    expect(new Set(all.map((id) => id?.origin)).size).toBe(1);
  });

  it('is another one for another channel, time or body', () => {
    const ids = new ContentIds();
    const all = new Set<string>();
    for (let n = 0; n < 5000; n++) {
      for (const one of [message('a', `${n}`), message(`a/${n}`, '1'), message('a', '"x"', n)]) all.add(ids.idOf(one));
    }
    expect(all.size).toBe(15_000);
  });
});
