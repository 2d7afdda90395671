// What crosses a bridge, by pattern and direction.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { canonical, matches } from 'spoke';

import { Filter } from '../../../src/bridge/filter.js';

describe('a filter', () => {
  it('lets everything pass when it says nothing', () => {
    const filter = new Filter({}, 1);
    expect(filter.passes('a')).toBe(true);
    expect(filter.narrowed('a/*')).toEqual(['a/*']);
  });

  it('lets pass what is included and not excluded, in the direction that it is said for', () => {
    const options = {
      include: ['/sensors/**', { pattern: 'logs', from: 1 as const }],
      exclude: [{ pattern: 'sensors/raw/**', from: 2 as const }],
    };
    const [from1, from2] = [new Filter(options, 1), new Filter(options, 2)];
    expect(['sensors/a', 'sensors/raw/a', 'logs', 'other'].map((channel) => from1.passes(channel))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(['sensors/a', 'sensors/raw/a', 'logs', 'other'].map((channel) => from2.passes(channel))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('lets nothing pass in a direction of which only the other one is included', () => {
    const filter = new Filter({ include: [{ pattern: '**', from: 1 }] }, 2);
    expect(filter.passes('a')).toBe(false);
    expect(filter.narrowed('**')).toEqual([]);
  });

  it('answers alike when it is asked of more channels than it remembers', () => {
    const filter = new Filter({ include: ['a/*'] }, 1);
    for (let n = 0; n < 10_000; n++) {
      expect(filter.passes(`a/${n}`)).toBe(true);
      expect(filter.passes(`b/${n}`)).toBe(false);
    }
  });

  it('narrows what is wanted to what passes', () => {
    const filter = new Filter({ include: ['sensors/**', 'logs/*'], exclude: ['sensors/raw/**'] }, 1);
    expect(filter.narrowed('**')).toEqual(['sensors/**', 'logs/*']);
    expect(filter.narrowed('sensors/kitchen')).toEqual(['sensors/kitchen']);
    expect(filter.narrowed('sensors/raw/*')).toEqual([]);
    expect(filter.narrowed('*/a')).toEqual(['*/a']);
    expect(filter.narrowed('other')).toEqual([]);
  });

  it('narrows nothing away that passes and is wanted', () => {
    const token = fc.constantFrom('a', 'b');
    const channel = fc.array(token, { maxLength: 3 }).map((tokens) => tokens.join('/'));
    const pattern = fc
      .array(fc.oneof(token, fc.constantFrom('*', '**')), { maxLength: 3 })
      .map((tokens) => canonical(tokens.join('/')));
    const patterns = fc.array(pattern, { maxLength: 3 });
    fc.assert(
      fc.property(patterns, patterns, channel, pattern, (include, exclude, name, wanted) => {
        const filter = new Filter({ include, exclude }, 1);
        if (!filter.passes(name) || !matches(wanted, name)) return;
        expect(filter.narrowed(wanted).some((one) => matches(one, name))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
