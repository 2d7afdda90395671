import { describe, expect, it, test } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { canonical, isPattern, tokens } from '../../../src/channels/channel.js';
import { anyText, naiveCanonical, naiveTokens } from './naive.js';

describe('tokens', () => {
  it('splits at the slashes and drops what is empty', () => {
    expect(tokens('robot/arm/pose')).toEqual(['robot', 'arm', 'pose']);
    expect(tokens('/a//b/')).toEqual(['a', 'b']);
  });

  it('finds none in the empty channel, however it is written', () => {
    expect(tokens('')).toEqual([]);
    expect(tokens('///')).toEqual([]);
  });
});

describe('the canonical form', () => {
  test.each([
    ['', ''],
    ['/', ''],
    ['/a//b/', 'a/b'],
    ['**/**', '**'],
    ['**/*', '*/**'],
    ['*/*', '*/*'],
    ['foo/**/*/**/bar', 'foo/*/**/bar'],
    ['**/*/x/**/*/*', '*/**/x/*/*/**'],
    ['**x/*', '**x/*'],
    ['**/*x', '**/*x'],
    ['**/***', '**/***'],
  ])('of "%s" is "%s"', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it('is what the rule says for any text', () => {
    fc.assert(fc.property(anyText, (text) => canonical(text) === naiveCanonical(text)));
    fc.assert(fc.property(fc.string(), (text) => canonical(text) === naiveCanonical(text)));
  });

  it('does not change when taken again', () => {
    fc.assert(fc.property(anyText, (text) => canonical(canonical(text)) === canonical(text)));
  });

  it('is never longer than the text', () => {
    fc.assert(fc.property(anyText, (text) => canonical(text).length <= text.length));
  });
});

describe('a text is a pattern', () => {
  test.each(['*', '**', 'a/*', '*/a', 'a/*/b', '**/a', 'a/**', 'x*/*', '***/**'])('such as "%s"', (text) => {
    expect(isPattern(text)).toBe(true);
  });

  test.each(['', 'a', '***', 'a*', '*a', '**a', 'a**', 'a/***/b', 'a/b*', '*b/a'])('and not "%s"', (text) => {
    expect(isPattern(text)).toBe(false);
  });

  it('exactly when a whole token is a wildcard', () => {
    fc.assert(
      fc.property(anyText.map(canonical), (text) => {
        expect(isPattern(text)).toBe(naiveTokens(text).some((token) => token === '*' || token === '**'));
      }),
    );
  });
});
