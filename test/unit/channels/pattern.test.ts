import { describe, expect, it, test } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { includes, intersects, matches } from '../../../src/channels/pattern.js';
import { allChannels, channelText, compared, naiveCanonical, naiveMatches, patternText } from './naive.js';

describe('a pattern matches', () => {
  test.each([
    ['**', ''],
    ['**', 'a/b/c'],
    ['', ''],
    ['a/b', 'a/b'],
    ['*/**', 'a'],
    ['foo/**/bar', 'foo/bar'],
    ['foo/**/bar', 'foo/x/bar/y/bar'],
    ['square/-rpc/**/call', 'square/-rpc/call'],
    ['a*', 'a*'],
    ['*', '**'],
    ['*', '*'],
    ['**/a/*/b', 'a/a/x/b'],
  ])('"%s" the channel "%s"', (pattern, channel) => {
    expect(matches(pattern, channel)).toBe(true);
  });

  test.each([
    ['', 'a'],
    ['*', ''],
    ['*/**', ''],
    ['*', 'a/b'],
    ['a', 'ab'],
    ['ab', 'a'],
    ['a/b', 'a/b/c'],
    ['a/b/c', 'a/b'],
    ['a*', 'ab'],
    ['foo/**/bar', 'foo/bar/x'],
    ['**/a/*/b', 'a/b'],
  ])('"%s" but not the channel "%s"', (pattern, channel) => {
    expect(matches(pattern, channel)).toBe(false);
  });

  it('exactly as the naive reading of the rules does', () => {
    fc.assert(
      fc.property(patternText(7), channelText(8), (pattern, channel) => {
        expect(matches(pattern, channel)).toBe(naiveMatches(pattern, channel));
      }),
      { numRuns: 3_000 },
    );
  });

  it('in good time however many ** it has', () => {
    // Trying every share of 400 tokens among 100 `**` would outlast the universe.
    const pattern = `${'**/a/'.repeat(100)}b`;
    expect(matches(pattern, 'a/'.repeat(400) + 'b')).toBe(true);
    expect(matches(pattern, 'a/'.repeat(400) + 'c')).toBe(false);
  });
});

// Every pair of short patterns is compared on every short channel. `z` is a token no pattern names, and the
// channels are long enough to show any difference between patterns of this length.
const shortChannels = allChannels(['a', 'b', 'z'], 6);
const matched = new Map<string, boolean[]>();
for (const text of allChannels(['a', 'b', '*', '**'], 3)) {
  const pattern = naiveCanonical(text);
  matched.set(
    pattern,
    shortChannels.map((channel) => naiveMatches(pattern, channel)),
  );
}

describe('a pattern includes another one', () => {
  test.each([
    ['**', ''],
    ['**', '*/**'],
    ['*/**', '**/x'],
    ['*/*/**', '**/x/**/y'],
    ['**/x/**', '*/x/*'],
    ['a/*/**/b/**', 'a/c/**/d/b'],
    ['*/**', '**/a/**'],
    ['**/x/*/**/y', 'x/**/z/y'],
  ])('"%s" includes "%s"', (outer, inner) => {
    expect(includes(outer, inner)).toBe(true);
  });

  test.each([
    ['*', '**'],
    ['*/**', '**'],
    ['a', '*'],
    ['**/x/*/**/y', 'x/**/y'],
    ['*/x/**', '**/x'],
    ['**/a/**', '**'],
    ['*/*/**', '**/x/**'],
  ])('"%s" does not include "%s"', (outer, inner) => {
    expect(includes(outer, inner)).toBe(false);
  });

  it('exactly when it matches every channel that the other matches', () => {
    for (const [outer, byOuter] of matched) {
      for (const [inner, byInner] of matched) {
        const expected = byInner.every((yes, i) => !yes || byOuter[i] === true);
        if (includes(outer, inner) !== expected) {
          throw new Error(`includes(${outer}, ${inner}) should be ${String(expected)}`);
        }
      }
    }
  });

  it('exactly so for longer patterns and channels of any length', () => {
    fc.assert(
      fc.property(patternText(8), patternText(8), (outer, inner) => {
        expect(includes(outer, inner)).toBe(!compared(outer, inner).secondAlone);
      }),
      { numRuns: 1_000 },
    );
  });

  it('and then matches what the other matches, whatever the channel', () => {
    fc.assert(
      fc.property(patternText(6), patternText(6), channelText(8), (outer, inner, channel) => {
        fc.pre(includes(outer, inner) && matches(inner, channel));
        expect(matches(outer, channel)).toBe(true);
      }),
    );
  });

  it('in good time however many ** there are', () => {
    const many = (last: string): string => `${'**/a/'.repeat(200)}${last}`;
    expect(includes(many('**'), many('b'))).toBe(true);
    expect(includes(many('b'), many('**'))).toBe(false);
  });
});

describe('two patterns intersect', () => {
  test.each([
    ['a/**', '**/b'],
    ['**', ''],
    ['a/*', '*/b'],
    ['a/**/c', 'a/b/**'],
    ['**/a/**', '**/b/**'],
  ])('"%s" and "%s"', (left, right) => {
    expect(intersects(left, right)).toBe(true);
    expect(intersects(right, left)).toBe(true);
  });

  test.each([
    ['a/**', 'b/**'],
    ['*', '*/*/**'],
    ['', '*/**'],
    ['a/*', '*/b/c'],
    ['**/a', '**/b'],
  ])('but not "%s" and "%s"', (left, right) => {
    expect(intersects(left, right)).toBe(false);
    expect(intersects(right, left)).toBe(false);
  });

  it('exactly when some channel is matched by both', () => {
    for (const [left, byLeft] of matched) {
      for (const [right, byRight] of matched) {
        const expected = byLeft.some((yes, i) => yes && byRight[i] === true);
        if (intersects(left, right) !== expected) {
          throw new Error(`intersects(${left}, ${right}) should be ${String(expected)}`);
        }
      }
    }
  });

  it('exactly so for longer patterns and channels of any length', () => {
    fc.assert(
      fc.property(patternText(8), patternText(8), (left, right) => {
        expect(intersects(left, right)).toBe(compared(left, right).both);
      }),
      { numRuns: 1_000 },
    );
  });

  it('whenever one channel can be shown that both match', () => {
    fc.assert(
      fc.property(patternText(7), patternText(7), channelText(8), (left, right, channel) => {
        fc.pre(matches(left, channel) && matches(right, channel));
        expect(intersects(left, right)).toBe(true);
      }),
    );
  });

  it('in good time however many ** there are', () => {
    const many = (last: string): string => `${'**/a/'.repeat(200)}${last}`;
    expect(intersects(many('b'), many('**'))).toBe(true);
    expect(intersects(many('b'), many('c'))).toBe(false);
  });
});
