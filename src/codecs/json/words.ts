// Valid UTF-8, eight bytes at a time. Copying or comparing bytes one by one costs 2 ns each, `set` with a view of its
// source 60 ns whatever the size, a load and a store of eight bytes 2 ns (test/bench/micro/codec.bench.ts).
//
// The eight bytes are moved as a float, because that is the widest value a DataView gives without an allocation. It is
// exact for valid UTF-8 without zero bytes: the only floats that are not equal to themselves, or may change when they
// are moved, are NaN; read little-endian, they end in a byte 0xF0 to 0xFF before a 0x7F or 0xFF. UTF-8 has no 0xFF, and
// continues 0xF0 to 0xF4 with a byte from 0x80 to 0xBF. The only different floats that are equal are the two zeros.

import { utf8Bytes } from '../text.js';

const WORD = 8;

/** From here on `set` is faster. */
const MAX_LOOP = 256;

/** How many numbers stand for so many bytes. */
export function wordsNeeded(bytes: number): number {
  return Math.ceil(bytes / WORD);
}

/** Takes down `length` bytes, 8 or more, to look for them later: each number is eight of them, the last one the last eight. */
export function storeWords(words: Float64Array, at: number, data: DataView, pos: number, length: number): void {
  const last = pos + length - WORD;
  for (let i = wordsNeeded(length); i > 0; i--, at++, pos += WORD) {
    words[at] = data.getFloat64(Math.min(pos, last), true);
  }
}

/** Whether `length` stored bytes stand at `pos`. The caller made sure that so many can be read there. */
export function wordsStandAt(words: Float64Array, at: number, length: number, data: DataView, pos: number): boolean {
  const last = pos + length - WORD;
  for (; pos < last; pos += WORD) if (data.getFloat64(pos, true) !== words[at++]) return false;
  return data.getFloat64(last, true) === words[at];
}

/** A text of 8 bytes or more that is written or looked for again and again. */
export class KnownText {
  /** In bytes. */
  readonly length: number;
  readonly data: DataView;
  readonly #words: Float64Array;

  constructor(text: string) {
    const bytes = utf8Bytes(text);
    if (bytes.length < WORD) throw new TypeError(`a known text has ${WORD} bytes or more: ${text}`);
    this.length = bytes.length;
    this.data = dataOf(bytes);
    this.#words = new Float64Array(wordsNeeded(bytes.length));
    storeWords(this.#words, 0, this.data, 0, bytes.length);
  }

  /** Whether this stands at `pos`, before `end`. */
  standsAt(data: DataView, pos: number, end: number): boolean {
    return pos + this.length <= end && wordsStandAt(this.#words, 0, this.length, data, pos);
  }
}

export function dataOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Copies valid UTF-8.
 * @returns the position after the copy.
 */
export function copyText(source: DataView, start: number, end: number, target: DataView, at: number): number {
  const length = end - start;
  const after = at + length;
  if (length > MAX_LOOP) {
    const from = new Uint8Array(source.buffer, source.byteOffset + start, length);
    new Uint8Array(target.buffer, target.byteOffset + at, length).set(from);
  } else if (length >= WORD) {
    const last = end - WORD;
    for (; start < last; start += WORD, at += WORD) target.setFloat64(at, source.getFloat64(start, true), true);
    // The last eight bytes, some of them once more.
    target.setFloat64(after - WORD, source.getFloat64(last, true), true);
  } else {
    while (start < end) target.setUint8(at++, source.getUint8(start++));
  }
  return after;
}
