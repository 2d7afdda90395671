// Channels that have another name on the other side.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { canonical, matches } from 'spoke';

import type { PrefixPair } from '../../../src/bridge/prefixes.js';
import { Renaming } from '../../../src/bridge/prefixes.js';

const both = (pairs: readonly PrefixPair[]) => [new Renaming(pairs, 1), new Renaming(pairs, 2)] as const;

describe('renaming', () => {
  it('gives what begins with one prefix the other one, and leaves the rest alone', () => {
    const [to2, to1] = both([{ prefix1: 'site/a', prefix2: '/local/' }]);
    expect(to2.rename('site/a/temp')).toBe('local/temp');
    expect(to2.rename('site/a')).toBe('local');
    expect(to2.rename('site/ab')).toBe('site/ab');
    expect(to2.rename('else')).toBe('else');
    expect(to1.rename('local/temp')).toBe('site/a/temp');
  });

  it('puts all of one side under a prefix of the other, and nothing else crosses then', () => {
    const [to2, to1] = both([{ prefix1: 'robot7', prefix2: '' }]);
    expect(to1.rename('arm/pose')).toBe('robot7/arm/pose');
    expect(to1.rename('')).toBe('robot7');
    expect(to2.rename('robot7/arm/pose')).toBe('arm/pose');
    expect(to2.rename('robot7')).toBe('');
    expect(to2.rename('robot8/arm/pose')).toBeUndefined();
  });

  it('lets no two channels fall into one', () => {
    const [to2, to1] = both([{ prefix1: 'a', prefix2: 'b' }]);
    // `b/x` of side 1 would be taken for `a/x`.
    expect(to2.rename('b/x')).toBeUndefined();
    expect(to1.rename('a/x')).toBeUndefined();
    expect(to1.rename('b/x')).toBe('a/x');
  });

  it('asks for patterns by the names of the side that is asked', () => {
    const [to2, to1] = both([{ prefix1: 'site/a', prefix2: 'local' }]);
    expect(to2.sources('local/*/temp')).toEqual(['site/a/*/temp']);
    expect(to2.sources('local/**')).toEqual(['site/a/**']);
    expect(to2.sources('**/temp')).toEqual(['site/a/**/temp', '**/temp']);
    expect(to2.sources('*/temp')).toEqual(['site/a/temp', '*/temp']);
    expect(to2.sources('other')).toEqual(['other']);
    expect(to1.sources('**')).toEqual(['local/**', '**']);
    const [under] = both([{ prefix1: 'robot7', prefix2: '' }]);
    expect(under.sources('**')).toEqual(['robot7/**']);
  });

  it('takes no wildcards', () => {
    expect(() => new Renaming([{ prefix1: 'a/*', prefix2: 'b' }], 1)).toThrow(TypeError);
  });

  const token = fc.constantFrom('a', 'b', 'c');
  const channel = fc.array(token, { maxLength: 4 }).map((tokens) => tokens.join('/'));
  const pattern = fc
    .array(fc.oneof(token, fc.constantFrom('*', '**')), { maxLength: 4 })
    .map((tokens) => canonical(tokens.join('/')));
  const pairs = fc.array(fc.record({ prefix1: channel, prefix2: channel }), { maxLength: 3 });

  it('there and back is the same channel', () => {
    fc.assert(
      fc.property(pairs, channel, (map, name) => {
        const [to2, to1] = both(map);
        const there = to2.rename(name);
        if (there !== undefined) expect(to1.rename(there)).toBe(name);
      }),
    );
  });

  it('asks for all that becomes what is wanted', () => {
    fc.assert(
      fc.property(pairs, channel, pattern, (map, name, wanted) => {
        const [to2] = both(map);
        const there = to2.rename(name);
        if (there === undefined || !matches(wanted, there)) return;
        expect(to2.sources(wanted).some((source) => matches(source, name))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
