import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { checkNumber, checkString, checkValue, skipSpace, TOO_DEEP } from '../../../src/codecs/json/checker.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What JSON.parse and TextDecoder say of the same bytes. */
function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(strict.decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** A whole text, blanks around the value allowed, in the middle of other bytes that must not matter. */
function accepts(bytes: Uint8Array, around = 0x5d, depth = 1000): boolean {
  const before = 3;
  const memory = new Uint8Array(before + bytes.length + 9).fill(around);
  memory.set(bytes, before);
  const data = new DataView(memory.buffer);
  const end = before + bytes.length;
  const after = checkValue(data, skipSpace(data, before, end), end, depth);
  expect(after).toBeLessThanOrEqual(end);
  return after >= 0 && skipSpace(data, after, end) === end;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Bytes that could be mistaken for more of the value. */
const AROUND = [0x5d, 0x22, 0x30, 0x7d, 0x20, 0x00, 0x80, 0x65];

function agrees(bytes: Uint8Array): void {
  const verdict = isJson(bytes);
  for (const around of [0x5d, AROUND[bytes.length % AROUND.length]]) {
    if (accepts(bytes, around) !== verdict) {
      expect({ text: Buffer.from(bytes).toString('latin1'), around, accepted: !verdict }).toEqual({
        accepted: verdict,
      });
    }
  }
}

describe('the JSON checker', () => {
  it('agrees with JSON.parse on valid texts, with and without blanks', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        agrees(utf8(JSON.stringify(value, null, indent)));
      }),
      { numRuns: 400 },
    );
  });

  it('agrees with JSON.parse on texts with bytes changed, added, lost or swapped', () => {
    const change = fc.record({
      at: fc.nat(1000),
      kind: fc.constantFrom('set', 'insert', 'remove', 'repeat'),
      byte: fc.oneof(fc.constantFrom(...utf8('{}[]",:\\ \n0123456789-+.eEtrufalsn/bx')), fc.nat(255)),
    });
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.boolean(),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (value, wide, changes) => {
          const bytes = [...utf8(JSON.stringify(value, null, wide ? 1 : 0))];
          for (const { at, kind, byte } of changes) {
            const place = at % (bytes.length + 1);
            if (kind === 'set') bytes[Math.min(place, bytes.length - 1)] = byte;
            else if (kind === 'insert') bytes.splice(place, 0, byte);
            else if (kind === 'remove') bytes.splice(place, 1);
            else bytes.splice(place, 0, ...bytes.slice(place, place + 3));
          }
          agrees(Uint8Array.from(bytes));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('agrees with JSON.parse on heaps of JSON characters', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"', '"a"', '"a":', '1', '0', '-', '.5', 'e', 'E+1', 'true', 'false', 'null'],
      ...[' ', '\n', '\\', '\\u00', '\\u0041', '\\n', 'é', '😀', '\u2028', 'nul', 't'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => agrees(utf8(pieces.join('')))),
      { numRuns: 1500 },
    );
  });

  it('agrees with JSON.parse on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => agrees(bytes)),
      { numRuns: 2000 },
    );
  });

  it('agrees with TextDecoder on every byte of two to four in a string, and where ranges of the next begin and end', () => {
    const text = (inner: number[]): Uint8Array => Uint8Array.from([0x22, ...inner, 0x22]);
    for (let a = 0x7f; a < 0x100; a++) {
      for (const b of [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]) {
        for (const inner of [
          [a, b],
          [a, b, 0x80],
          [a, b, 0xbf, 0x80],
          [a, b, 0x7f],
          [a, b, 0x80, 0x7f],
          [a, b, 0xc0],
        ]) {
          const bytes = text(inner);
          if (accepts(bytes) !== isJson(bytes))
            expect({ inner, accepted: accepts(bytes) }).toEqual('what TextDecoder says');
        }
      }
    }
  });

  it('agrees with JSON.parse on every byte alone, in a string, after a backslash, in a number and after a value', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const [before, after] of [
        ['', ''],
        ['"', '"'],
        ['"abcd', 'efgh"'],
        ['"\\', '"'],
        ['"\\u', '000"'],
        ['"\\u000', '"'],
        ['1', '2'],
        ['1.', '2'],
        ['12345', ''],
        ['[1', '2]'],
        ['{"a"', '1}'],
        ['{"a":1', '}'],
        ['{"a":', '1}'],
        ['{', '}'],
        ['[', ']'],
        ['tru', ''],
      ] as const) {
        agrees(Uint8Array.from([...utf8(before), byte, ...utf8(after)]));
      }
    }
  });

  it('says where a value ends and where it goes wrong', () => {
    const at = (text: string): number => {
      const bytes = utf8(text);
      return checkValue(new DataView(bytes.buffer), 0, bytes.length, 10);
    };
    expect(at('[1, 2] , 3')).toBe(6);
    expect(at('"abc"x')).toBe(5);
    expect(at('truest')).toBe(4);
    expect(at('[1, x]')).toBe(~4);
    expect(at('[1, 2')).toBe(~5);
    expect(at('{"a": "\u0001"}')).toBe(~7);
    expect(at('')).toBe(~0);
  });

  it('never looks beyond the end, even where memory ends there', () => {
    for (const text of [
      '{"a": [1.5e3, "x\\u0041é", true, false, null, {}, [], -0]}',
      '12345678',
      '"abcdefgh"',
      'false',
    ]) {
      const bytes = utf8(text);
      for (let end = 0; end <= bytes.length; end++) {
        const cut = bytes.slice(0, end);
        const inMemory = checkValue(new DataView(bytes.buffer), 0, end, 10);
        // A DataView throws a RangeError when it is read beyond its end.
        expect(checkValue(new DataView(cut.buffer), 0, end, 10)).toBe(inMemory);
        expect(inMemory >= 0).toBe(isJson(cut));
      }
    }
  });

  it('counts depth', () => {
    const check = (text: string, depth: number): number => {
      const bytes = utf8(text);
      return checkValue(new DataView(bytes.buffer), 0, bytes.length, depth);
    };
    expect(check('1', 0)).toBe(1);
    expect(check('[]', 0)).toBe(TOO_DEEP);
    for (const depth of [1, 2, 31, 32, 33, 63, 64, 65, 96, 97, 900]) {
      const arrays = '['.repeat(depth) + ']'.repeat(depth);
      expect(check(arrays, depth)).toBe(arrays.length);
      expect(check(arrays, depth - 1)).toBe(TOO_DEEP);
      const objects = '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
      expect(check(objects, depth)).toBe(objects.length);
      expect(check(objects, depth - 1)).toBe(TOO_DEEP);
    }
  });

  it('keeps arrays and objects apart at any depth', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 150 }), fc.nat(149), (kinds, wrong) => {
        const opening = kinds.map((object) => (object ? '{"k":' : '[')).join('');
        const closing = kinds.map((object) => (object ? '}' : ']')).reverse();
        expect(accepts(utf8(`${opening}0${closing.join('')}`))).toBe(true);
        const place = wrong % closing.length;
        closing[place] = closing[place] === '}' ? ']' : '}';
        expect(accepts(utf8(`${opening}0${closing.join('')}`))).toBe(false);
      }),
    );
  });

  it('takes 100,000 levels when it may, and uses no stack for them', () => {
    const text = utf8('[{"a":'.repeat(50_000) + '0' + '}]'.repeat(50_000));
    expect(accepts(text, 0, 100_000)).toBe(true);
    expect(accepts(text, 0, 99_999)).toBe(false);
  });

  it('checks strings and numbers alone', () => {
    const on = (check: typeof checkString, text: string): number => {
      const bytes = utf8(text);
      return check(new DataView(bytes.buffer), 0, bytes.length);
    };
    expect(on(checkString, '"a" ')).toBe(3);
    expect(on(checkString, '1')).toBe(~0);
    expect(on(checkString, '')).toBe(~0);
    expect(on(checkNumber, '-1.5e3,')).toBe(6);
    expect(on(checkNumber, '"a"')).toBe(~0);
    expect(on(checkNumber, 'null')).toBe(~0);
    expect(on(checkNumber, '')).toBe(~0);
  });
});
