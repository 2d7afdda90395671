import { readFile } from 'node:fs/promises';

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import wabt from 'wabt';

import { checkValue } from '../../../src/codecs/json/checker.js';
import { PLAIN_RUN_CODE, plainRun } from '../../../src/codecs/json/plain-run.js';

const dataOf = (text: string) => {
  const bytes = Buffer.from(text, 'latin1');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
};

describe('a long run of plain text', () => {
  it('is skipped by the code that plain-run.wat says', async () => {
    const source = await readFile('src/codecs/json/plain-run.wat', 'utf8');
    const parsed = (await wabt()).parseWat('plain-run.wat', source, { simd: true });
    const { buffer } = parsed.toBinary({});
    expect(Buffer.from(buffer).toString('base64')).toBe(PLAIN_RUN_CODE);
  });

  it.each(['"', '\\', '\x1f', '\0', '\x7f', '\x80', '\xff'])(
    'ends before the first %j, wherever it stands',
    (special) => {
      for (const length of [0, 1, 15, 16, 17, 1000, 1023, 1024, 1025, 5119, 5120, 100_000, 200_001]) {
        const data = dataOf(`${'x'.repeat(length)}${special}${'y'.repeat(40)}`);
        const reached = plainRun(data, 0, data.byteLength);
        // The one byte of these that is plain.
        const expected = special === '\x7f' ? length + 41 : length;
        expect(reached).toBeLessThanOrEqual(expected);
        expect(reached).toBeGreaterThan(expected - 16);
      }
    },
  );

  it('never goes past the end it was given', () => {
    const data = dataOf('x'.repeat(3000));
    for (const end of [0, 15, 16, 100, 1024, 2048, 2999]) expect(plainRun(data, 0, end)).toBeLessThanOrEqual(end);
  });

  it('is checked as JSON.parse would, whatever stands in it', () => {
    const piece = fc.oneof(
      { arbitrary: fc.integer({ min: 200, max: 3000 }).map((length) => 'x'.repeat(length)), weight: 4 },
      { arbitrary: fc.constantFrom('\\n', '\\u12ab', 'ü', '漢', '😀'), weight: 2 },
      { arbitrary: fc.constantFrom('"', '\\', '\\x', '\n'), weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = `"${pieces.join('')}"`;
        const bytes = Buffer.from(text, 'utf8');
        const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(checkValue(data, 0, bytes.length, 10) === bytes.length).toBe(valid);
      }),
    );
  });
});
