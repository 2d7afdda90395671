import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { TimeReader } from '../../../src/codecs/json/time.js';

const reader = new TimeReader();

/** Reads a text in front of other bytes; `undefined` when it is no number or ends elsewhere. */
function read(text: string, after = `}, "body": 12345678901234567890}`): number | undefined {
  const bytes = new TextEncoder().encode(text + after);
  const value = reader.read(new DataView(bytes.buffer), 0, bytes.length);
  return Number.isNaN(value) || reader.end !== text.length ? undefined : value;
}

describe('the time of a message', () => {
  it('is exactly what Number makes of the text', () => {
    const seconds = fc.oneof(
      fc.integer({ min: 2 ** 30 - 2, max: 2 ** 30 + 2 }),
      fc.integer({ min: 2 ** 31 - 2, max: 2 ** 31 + 2 }),
      fc.integer({ min: 2 ** 32 - 2, max: 2 ** 32 + 2 }),
      fc.integer({ min: 1_700_000_000, max: 1_900_000_000 }),
      fc.nat(9_999_999_999),
    );
    const fraction = fc.stringMatching(/^[0-9]{1,12}$/);
    fc.assert(
      fc.property(seconds, fraction, (whole, part) => {
        const text = `${whole}.${part}`;
        expect(read(text)).toBe(Number(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('is exact halfway between two numbers', () => {
    for (const whole of [2 ** 30, 2 ** 31 - 1, 1_795_344_145, 2 ** 31, 2 ** 32 - 1]) {
      // Odd multiples of half a step, cut to nine digits and those around them.
      for (let i = 1; i < 1000; i += 2) {
        const half = ((i * 2099) % 8388608) / 8388608;
        for (const nudge of [-1e-9, 0, 1e-9]) {
          const text = `${whole}${Math.min(Math.max(half + nudge, 0), 0.999999999)
            .toFixed(9)
            .slice(1)}`;
          expect(read(text)).toBe(Number(text));
        }
      }
    }
  });

  it('is read in every form that JSON has', () => {
    for (const text of [
      '0',
      '-0',
      '1',
      '-1.5',
      '1e9',
      '1.5E+10',
      '2e-3',
      '1795344144',
      '1795344144e0',
      '1795344144.5e1',
    ]) {
      expect(Object.is(read(text), Number(text))).toBe(true);
    }
    expect(read('1'.repeat(400))).toBe(Infinity);
    expect(read(`0.${'1'.repeat(400)}`)).toBe(Number(`0.${'1'.repeat(400)}`));
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      '.5',
      '-',
      '+1',
      'NaN',
      '"1"',
      '1.',
      '1795344144.',
      '1795344144.5e',
      '1795344144e',
      'null',
    ]) {
      expect(read(text)).toBeUndefined();
    }
    // A leading zero ends a number; what follows is for the caller to refuse.
    expect(read('01795344144')).toBeUndefined();
  });

  it('ends where memory ends', () => {
    for (const text of ['1795344144', '1795344144.659854', '17', '1795344144.6598541234']) {
      expect(read(text, '')).toBe(Number(text));
    }
  });
});
