// `head.time`: the one number that is read in every forwarded message, so it gets a reader of its own.

import { checkNumber } from './checker.js';

/** Powers of ten up to the longest fraction that is read without help. */
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const TWO_30 = 2 ** 30;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

/** Reads numbers; says where the last one ended. */
export class TimeReader {
  /** Position after the number that was read last. */
  end = 0;

  /**
   * The same as `Number(text)`, bit for bit; `NaN` when there is no JSON number at `pos`.
   *
   * Times of this century are `seconds.fraction`, up to nine digits after the point. There the result is exact without
   * converting text: seconds in [2^30, 2^31) make steps of 2^-22, so the fraction is rounded to a whole number of them,
   * and every product and sum below stays under 2^53.
   */
  read(data: DataView, pos: number, end: number): number {
    let at = pos;
    let seconds = 0;
    let digit = at < end ? data.getUint8(at) - 0x30 : -1;
    while (digit >= 0 && digit <= 9 && at - pos < 10) {
      seconds = seconds * 10 + digit;
      at++;
      digit = at < end ? data.getUint8(at) - 0x30 : -1;
    }
    if (at - pos !== 10 || seconds < TWO_30 || seconds >= TWO_32) return this.#readAny(data, pos, end);
    if (digit !== -2 /* . */) {
      if ((digit >= 0 && digit <= 9) || isExponent(digit)) return this.#readAny(data, pos, end);
      this.end = at;
      return seconds;
    }
    const first = ++at;
    let fraction = 0;
    digit = at < end ? data.getUint8(at) - 0x30 : -1;
    while (digit >= 0 && digit <= 9 && at - first < 9) {
      fraction = fraction * 10 + digit;
      at++;
      digit = at < end ? data.getUint8(at) - 0x30 : -1;
    }
    const power = POWERS[at - first];
    if (at === first || power === undefined) return this.#readAny(data, pos, end);
    if ((digit >= 0 && digit <= 9) || isExponent(digit)) return this.#readAny(data, pos, end);
    this.end = at;
    const step = seconds < TWO_31 ? 4194304 : 2097152;
    const scaled = fraction * step;
    let steps = Math.floor(scaled / power);
    const twice = 2 * (scaled - steps * power);
    // Half to even; `seconds * step` is even, so the sum is as even as `steps`.
    if (twice > power || (twice === power && (steps & 1) === 1)) steps++;
    return seconds + steps / step;
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

/** `E` or `e`, less the code of `0`. */
function isExponent(digit: number): boolean {
  return digit === 0x15 || digit === 0x35;
}
