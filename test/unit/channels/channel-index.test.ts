import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { ChannelIndex } from '../../../src/channels/channel-index.js';
import { channelText, naiveMatches, patternText } from './naive.js';

function filled(...channels: string[]): ChannelIndex<string> {
  const index = new ChannelIndex<string>();
  for (const channel of channels) index.set(channel, channel);
  return index;
}

describe('ChannelIndex', () => {
  it('holds one value for each channel', () => {
    const index = filled('a/b', 'a', '');
    expect(index.get('a/b')).toBe('a/b');
    expect(index.get('')).toBe('');
    expect(index.get('b')).toBeUndefined();
    expect(index.size).toBe(3);
    expect(index.delete('a')).toBe(true);
    expect(index.delete('a')).toBe(false);
    expect(index.size).toBe(2);
  });

  it('finds the values of a pattern in the order in which their channels were first set', () => {
    const index = filled('a/z', 'b/y', 'a/x', 'a/x/deep', 'a', '');
    expect(index.match('a/*')).toEqual(['a/z', 'a/x']);
    expect(index.match('a/**')).toEqual(['a/z', 'a/x', 'a/x/deep', 'a']);
    expect(index.match('*/y')).toEqual(['b/y']);
    expect(index.match('**/x')).toEqual(['a/x']);
    expect(index.match('a/x')).toEqual(['a/x']);
    expect(index.match('**')).toEqual(['a/z', 'b/y', 'a/x', 'a/x/deep', 'a', '']);
    expect(index.match('nowhere/**')).toEqual([]);
    expect(index.match('nowhere')).toEqual([]);
  });

  it('leaves an updated channel in its place and puts a new one at the end', () => {
    const index = filled('a/1', 'a/2', 'a/3');
    index.set('a/1', 'updated');
    index.delete('a/2');
    index.set('a/2', 'again');
    expect(index.match('a/*')).toEqual(['updated', 'a/3', 'again']);
    expect([...index.values()]).toEqual(['updated', 'a/3', 'again']);
  });

  it('can hold undefined as a value', () => {
    const index = new ChannelIndex<undefined>();
    index.set('a/b', undefined);
    expect(index.match('a/*')).toEqual([undefined]);
    expect(index.size).toBe(1);
  });

  it('is empty after clear', () => {
    const index = filled('a/b', 'a/c');
    index.clear();
    expect(index.size).toBe(0);
    expect(index.match('a/*')).toEqual([]);
    index.set('a/c', 'new');
    expect(index.match('a/*')).toEqual(['new']);
  });

  it('takes channels of any depth', () => {
    const deep = 'a/'.repeat(50_000);
    const index = filled(`${deep}x`, `${deep}y`);
    expect(index.match('a/**')).toHaveLength(2);
    expect(index.delete(`${deep}x`)).toBe(true);
    expect(index.match('*/**')).toEqual([`${deep}y`]);
  });

  it('does what a Map and a filter would do', () => {
    const change = fc.record({
      kind: fc.constantFrom('set', 'set', 'delete'),
      channel: channelText(5),
    });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 120, size: 'max' }),
        fc.array(patternText(5), { minLength: 5, maxLength: 10 }),
        (changes, patterns) => {
          const index = new ChannelIndex<number>();
          const plain = new Map<string, number>();
          changes.forEach(({ kind, channel }, i) => {
            if (kind === 'set') {
              index.set(channel, i);
              plain.set(channel, i);
            } else {
              expect(index.delete(channel)).toBe(plain.delete(channel));
            }
            expect(index.get(channel)).toBe(plain.get(channel));
          });
          expect(index.size).toBe(plain.size);
          expect([...index.values()]).toEqual([...plain.values()]);
          for (const pattern of patterns) {
            const expected = [...plain].filter(([channel]) => naiveMatches(pattern, channel));
            expect(index.match(pattern)).toEqual(expected.map(([, value]) => value));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
