// `head.time`: the one number that is read in every forwarded message, so it gets a reader of its own.
//
// Times of this century are ten digits of seconds and a fraction. Four digits are read as one integer, little-endian, the
// first digit lowest (test/bench/micro/codec.bench.ts, "with a time").

import { checkNumber } from './checker.js';

/** Powers of ten up to the longest fraction that is read without help. */
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const TWO_30 = 2 ** 30;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;
/** Bytes that are looked at: seconds, point, fraction, and what follows it. */
const WIDTH = 21;

/** Reads numbers; says where the last one ended. */
export class TimeReader {
  /** Position after the number that was read last. */
  end = 0;

  /** The same as `Number(text)`, bit for bit; `NaN` when there is no JSON number at `pos`. */
  read(data: DataView, pos: number, end: number): number {
    if (end - pos < WIDTH) return this.#readAny(data, pos, end);
    const a = data.getInt32(pos, true) ^ 0x30303030;
    const b = data.getInt32(pos + 4, true) ^ 0x30303030;
    const c = data.getUint16(pos + 8, true) ^ 0x3030;
    if ((others(a) | others(b) | others(c)) !== 0) return this.#readAny(data, pos, end);
    const seconds = fourDigits(a) * 1e6 + fourDigits(b) * 100 + (c & 0xff) * 10 + (c >>> 8);
    if (seconds < TWO_30 || seconds >= TWO_32) return this.#readAny(data, pos, end);
    let at = pos + 10;
    let next = data.getUint8(at);
    if (next !== 0x2e /* . */) {
      if (continuesNumber(next)) return this.#readAny(data, pos, end);
      this.end = at;
      return seconds;
    }

    const d = data.getInt32(++at, true) ^ 0x30303030;
    let count = digitsIn(d);
    let fraction = leadingDigits(d, count);
    if (count === 4) {
      const e = data.getInt32(at + 4, true) ^ 0x30303030;
      const more = digitsIn(e);
      fraction = fraction * (POWERS[more] ?? 1) + leadingDigits(e, more);
      count += more;
      if (count === 8) {
        next = data.getUint8(at + 8);
        if (next >= 0x30 && next <= 0x39) {
          fraction = fraction * 10 + next - 0x30;
          count = 9;
        }
      }
    }
    at += count;
    if (count === 0 || continuesNumber(data.getUint8(at))) return this.#readAny(data, pos, end);
    this.end = at;
    return seconds + roundedFraction(fraction, POWERS[count] ?? 1, seconds < TWO_31 ? 4194304 : 2097152);
  }

  #readAny(data: DataView, pos: number, end: number): number {
    const after = checkNumber(data, pos, end);
    if (after < 0) return NaN;
    this.end = after;
    let text = '';
    for (let i = pos; i < after; i++) text += String.fromCharCode(data.getUint8(i));
    return Number(text);
  }
}

/**
 * `fraction / power`, rounded as the sum with the seconds has to be. Seconds in [2^30, 2^31) make steps of 2^-22, so the
 * fraction becomes a whole number of them, exactly: every product stays under 2^53.
 */
function roundedFraction(fraction: number, power: number, stepsPerSecond: number): number {
  const scaled = fraction * stepsPerSecond;
  let steps = Math.floor(scaled / power);
  const twice = 2 * (scaled - steps * power);
  // Half to even; the seconds are an even number of steps.
  if (twice > power || (twice === power && (steps & 1) === 1)) steps++;
  return steps / stepsPerSecond;
}

/** A top bit for each byte that is no digit, its `0x30` taken away. The lowest one is right. */
function others(word: number): number {
  return ((word + 0x76767676) | word) & 0x80808080;
}

/** How many digits come first. */
function digitsIn(word: number): number {
  const ends = others(word);
  return ends === 0 ? 4 : (31 - Math.clz32(ends & -ends)) >> 3;
}

function leadingDigits(word: number, count: number): number {
  // Zeros move in from below, as leading digits.
  return count === 0 ? 0 : fourDigits(word << ((4 - count) * 8));
}

function fourDigits(word: number): number {
  const pairs = (Math.imul(word, 10) + (word >>> 8)) & 0x00ff00ff;
  return (pairs & 0xff) * 100 + (pairs >>> 16);
}

/** A digit, `E` or `e`. */
function continuesNumber(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte | 0x20) === 0x65;
}
