// Copies of one message are told by their ids, within bounds.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { readId, Seen } from '../../../src/broker/seen.js';

const id = (sequence: number, origin = 'a') => ({ origin, sequence });

describe('an id', () => {
  it('is an origin and a number counted from 1', () => {
    expect(readId('3f09ab:17')).toEqual({ origin: '3f09ab', sequence: 17 });
    expect(readId('~9c-_Z:1')).toEqual({ origin: '~9c-_Z', sequence: 1 });
    expect(readId('a:999999999999999')).toEqual({ origin: 'a', sequence: 999_999_999_999_999 });
  });

  it.each([
    '',
    'a',
    ':1',
    'a:',
    'a:0',
    'a:01',
    'a:-1',
    'a:1.5',
    'a:1e3',
    'a:1:2',
    'a b:1',
    'ä:1',
    `${'x'.repeat(65)}:1`,
  ])('%j is none', (text) => expect(readId(text)).toBeUndefined());

  it('may have another name behind it', () => {
    expect(readId('a:17;~b:1')).toEqual({ origin: 'a', sequence: 17, alias: { origin: '~b', sequence: 1 } });
    for (const text of ['a:17;', ';a:1', 'a:1;b', 'a:1;b:1;c:1', 'a:1;b:0']) expect(readId(text)).toBeUndefined();
  });

  it('with a number that a double cannot hold is none', () => {
    expect(readId('a:9999999999999999')).toBeUndefined();
  });
});

describe('what was seen', () => {
  it('is new once', () => {
    const seen = new Seen();
    expect([1, 2, 2, 1, 3].map((n) => seen.add(id(n)))).toEqual([true, true, false, false, true]);
    expect(seen.has(id(3))).toBe(true);
    expect(seen.has(id(4))).toBe(false);
  });

  it('may begin anywhere, leave out numbers, and come late', () => {
    const seen = new Seen();
    expect([100, 103, 102, 103, 99, 100, 99].map((n) => seen.add(id(n)))).toEqual([
      true,
      true,
      true,
      false,
      true,
      false,
      false,
    ]);
    expect(seen.has(id(101))).toBe(false);
  });

  it('is kept apart by origin', () => {
    const seen = new Seen();
    expect([id(1), id(1, 'b'), id(1), id(1, 'b')].map((one) => seen.add(one))).toEqual([true, true, false, false]);
  });

  it('counts as seen when it is older than the newest 1,024 of its origin', () => {
    const seen = new Seen();
    seen.add(id(1));
    seen.add(id(5000));
    expect(seen.add(id(5000 - 1024))).toBe(false);
    expect(seen.add(id(5000 - 1023))).toBe(true);
  });

  it('is new again when it was not applied after all', () => {
    const seen = new Seen();
    for (const n of [1, 2, 3]) seen.add(id(n));
    seen.remove(id(2));
    seen.remove(id(3));
    seen.remove(id(9));
    expect([1, 2, 3, 4].map((n) => seen.has(id(n)))).toEqual([true, false, false, false]);
    expect([1, 2, 3, 4].map((n) => seen.add(id(n)))).toEqual([false, true, true, true]);
  });

  it('is what it was when it was saved', () => {
    const seen = new Seen();
    for (let n = 1; n <= 3000; n++) seen.add(id(n));
    expect(seen.save('a').length).toBe(8);
    for (const n of [7, 2500, 3000]) seen.remove(id(n));
    seen.add(id(3005));
    const saved = seen.save('a');
    const other = new Seen();
    other.restore('a', saved);
    for (let n = 1; n <= 3010; n++) expect([n, other.has(id(n))]).toEqual([n, seen.has(id(n))]);
    expect([2500, 3000, 3004].map((n) => other.add(id(n)))).toEqual([true, true, true]);
    other.restore('b', new Uint8Array(3));
    expect(other.add(id(1, 'b'))).toBe(true);
  });

  it('tells which origin it forgot', () => {
    const forgotten: string[] = [];
    const seen = new Seen({ origins: 1, forgotten: (origin) => forgotten.push(origin) });
    for (const origin of ['a', 'b', 'c']) seen.add(id(1, origin));
    expect(forgotten).toEqual(['a', 'b']);
  });

  it('is what a list of everything would say, as far as the window reaches', () => {
    const step = fc.oneof(fc.integer({ min: -1100, max: 1100 }), fc.integer({ min: -3, max: 3 }), fc.constant(1));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 49 }), fc.array(step, { maxLength: 300 }), (start, steps) => {
        const seen = new Seen();
        const all = new Set<number>();
        let highest = 0;
        let at = start;
        for (const delta of steps) {
          at = Math.max(1, at + delta);
          const expected = !all.has(at) && at > highest - 1024;
          expect(seen.has(id(at))).toBe(!expected && highest > 0);
          expect(seen.add(id(at))).toBe(expected);
          all.add(at);
          highest = Math.max(highest, at);
        }
      }),
    );
  });

  it('by content is remembered one by one, the oldest forgotten first', () => {
    const seen = new Seen({ contents: 3 });
    const named = (name: string) => id(1, `~${name}`);
    expect(['a', 'b', 'c', 'a', 'd', 'b', 'a'].map((name) => seen.add(named(name)))).toEqual([
      true,
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
    expect(seen.has(named('d'))).toBe(true);
    expect(seen.add(id(2, '~d'))).toBe(true);
    expect(seen.size).toBe(0);
  });

  it('forgets the origin that was quiet for longest', () => {
    const seen = new Seen({ origins: 2 });
    for (const one of [id(5, 'a'), id(5, 'b'), id(6, 'a'), id(5, 'c')]) seen.add(one);
    expect(seen.size).toBe(2);
    expect([id(5, 'a'), id(5, 'c'), id(5, 'b')].map((one) => seen.has(one))).toEqual([true, true, false]);
  });
});
