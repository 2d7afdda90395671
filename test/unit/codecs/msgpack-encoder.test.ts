// The forms of msgpack, as another implementation reads them, and wherever the encoder's memory happens to end.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import { unpack } from 'msgpackr';

import { checkValue } from '../../../src/codecs/msgpack/checker.js';
import { MsgpackEncoder } from '../../../src/codecs/msgpack/encoder.js';

const encoded = (value: unknown): Uint8Array => new MsgpackEncoder().body(value).slice();
const hex = (value: unknown): string => Buffer.from(encoded(value)).toString('hex');

describe('a value has the shortest form that holds it', () => {
  it.each([
    [null, 'c0'],
    [undefined, 'c0'],
    [false, 'c2'],
    [true, 'c3'],
    [0, '00'],
    [-0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cb41f0000000000000'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32_768, 'd18000'],
    [-32_769, 'd2ffff7fff'],
    [-(2 ** 31), 'd280000000'],
    [-(2 ** 31) - 1, 'cbc1e0000000200000'],
    [1.5, 'cb3ff8000000000000'],
    [NaN, 'cb7ff8000000000000'],
    [-Infinity, 'cbfff0000000000000'],
    [5n, 'd30000000000000005'],
    [-(2n ** 63n), 'd38000000000000000'],
    [2n ** 64n - 1n, 'cfffffffffffffffff'],
    ['', 'a0'],
    ['ä', 'a2c3a4'],
    ['x'.repeat(31), `bf${'78'.repeat(31)}`],
    ['x'.repeat(32), `d920${'78'.repeat(32)}`],
    ['ä'.repeat(16), `d920${'c3a4'.repeat(16)}`],
    ['x'.repeat(255), `d9ff${'78'.repeat(255)}`],
    ['x'.repeat(256), `da0100${'78'.repeat(256)}`],
    ['ä'.repeat(128), `da0100${'c3a4'.repeat(128)}`],
    ['x'.repeat(65_536), `db00010000${'78'.repeat(65_536)}`],
    ['half \ud800', 'a868616c6620efbfbd'],
    [[], '90'],
    [Array<number>(16).fill(1), `dc0010${'01'.repeat(16)}`],
    [Array<number>(65_536).fill(1), `dd00010000${'01'.repeat(65_536)}`],
    [{}, '80'],
    [{ a: 1 }, '81a16101'],
    [Uint8Array.of(1, 2), 'c4020102'],
    [new Uint8Array(256), `c50100${'00'.repeat(256)}`],
    [new Uint8Array(65_536), `c600010000${'00'.repeat(65_536)}`],
    [new Date(1000), 'd6ff00000001'],
    [new Date(1001), 'd7ff003d090000000001'],
    [new Date(2 ** 32 * 1000), 'c70cff000000000000000100000000'],
    [new Date(-1), 'c70cff3b8b87c0ffffffffffffffff'],
  ])('(%p)', (value, bytes) => {
    expect(hex(value)).toBe(bytes);
  });

  it('(an object of 16 members, and of 65,536)', () => {
    const object = (size: number): object => Object.fromEntries(Array.from({ length: size }, (_, i) => [i, 0]));
    expect(hex(object(15))).toMatch(/^8f/);
    expect(hex(object(16))).toMatch(/^de0010/);
    expect(hex(object(65_536))).toMatch(/^df00010000/);
  });
});

it('texts of every length come out whole, wherever the memory ends', () => {
  const unit = fc.constantFrom('x', 'ä', '漢', '😀', '\ud800');
  const text = fc.tuple(fc.string({ unit, maxLength: 80 }), fc.nat(60)).map(([part, times]) => part.repeat(times));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 12 }), (texts) => {
      const bytes = encoded(texts);
      expect(checkValue(bytes, 0, bytes.length, 10)).toBe(bytes.length);
      expect(unpack(bytes)).toEqual(texts.map((one) => new TextDecoder().decode(new TextEncoder().encode(one))));
    }),
  );
});

it('texts whose length in bytes is found out late are right at every position', () => {
  for (const text of ['ä'.repeat(31), '漢'.repeat(20), '漢'.repeat(90), 'x'.repeat(60), '漢'.repeat(400)]) {
    for (let before = 850; before < 1100; before++) {
      expect(unpack(encoded([new Uint8Array(before), text, 7]))).toEqual([expect.anything(), text, 7]);
    }
  }
});

it('what was written is right again after something that cannot be, and after something very long', () => {
  const encoder = new MsgpackEncoder();
  const cycle: Record<string, unknown> = { text: 'x'.repeat(1000) };
  cycle['itself'] = [cycle];
  for (const bad of [cycle, [1, 2n ** 64n], new Map([[{}, 1]])]) {
    expect(() => encoder.body(bad)).toThrow(expect.objectContaining({ code: 'NOT_ENCODABLE' }));
    expect(unpack(encoder.body(['good', 1]))).toEqual(['good', 1]);
    expect(unpack(encoder.body('x'.repeat(2_000_000)))).toHaveLength(2_000_000);
  }
});
