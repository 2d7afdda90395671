// Is this one JSON value? Told without building it: a broker must never pass on a malformed body, and never needs a
// well-formed one. Strict RFC 8259 and strict UTF-8; a lone surrogate as an escape is allowed, Python emits it.
//
// Hot, and written for it (test/bench/micro/codec.bench.ts). Against a loop over bytes with functions for strings, keys
// and numbers this takes 60 % of the time for short values and 25 % for long texts:
// - Four bytes at a time where strings and digits run on. In `special`, a byte's top bit is set when it ends a run; a
//   borrow can only spoil bytes above one that does, so the lowest is right. Same for `other`.
// - One function without calls on the usual way: keys and strings share one loop.
// - Open arrays and objects are the bits of a local integer; no allocation up to 32 levels, and no recursion.
// - Runs of text that are longer than most go to WebAssembly (plain-run.ts).

import { plainRun } from './plain-run.js';

/** Returned by `checkValue` for a value that nests deeper than it may. */
export const TOO_DEEP = -0x8000_0000;

const TRUE = 0x65757274; // read little-endian
const NULL = 0x6c6c756e;
const ALSE = 0x65736c61;
/** Runs of text that are longer than this are worth a call. */
const SHORT_RUN = 256;
const COLON_BLANK = 0x203a;
const COMMA_BLANK = 0x202c;

/**
 * Checks one value, which begins at `pos` exactly. Never looks at `end` or beyond.
 * @returns the position after the value; `~p` when it is malformed at `p`; `TOO_DEEP`.
 */
export function checkValue(data: DataView, pos: number, end: number, maxDepth: number): number {
  /** The last position from which four bytes can be read. */
  const last = end - 4;
  let depth = 0;
  // One bit for each open container, the innermost lowest: 1 an object, 0 an array. Spilled every 32 levels.
  let open = 0;
  let spilled: number[] | undefined;
  // 1: a key is next, not a value.
  let key = 0;
  for (;;) {
    if (pos >= end) return ~end;
    let byte = data.getUint8(pos);
    if (byte === 0x22 /* " */) {
      pos++;
      for (;;) {
        const soon = pos + SHORT_RUN < last ? pos + SHORT_RUN : last;
        while (pos <= soon) {
          const word = data.getInt32(pos, true);
          const special =
            (word | (word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101)) &
            0x80808080;
          if (special !== 0) {
            pos += (31 - Math.clz32(special & -special)) >> 3;
            break;
          }
          pos += 4;
        }
        if (pos > soon && pos <= last) {
          pos = plainRun(data, pos, end);
          continue;
        }
        if (pos >= end) return ~end;
        byte = data.getUint8(pos);
        if (byte === 0x22) break;
        pos = byte >= 0x20 && byte < 0x80 && byte !== 0x5c ? pos + 1 : checkSpecial(data, pos, end, byte);
        if (pos < 0) return pos;
      }
      pos++;
      if (key === 1) {
        key = 0;
        if (pos < last && data.getUint16(pos, true) === COLON_BLANK && data.getUint8(pos + 2) > 0x20) {
          pos += 2;
          continue;
        }
        pos = skipSpace(data, pos, end);
        if (pos >= end || data.getUint8(pos) !== 0x3a /* : */) return ~pos;
        pos = skipSpace(data, pos + 1, end);
        continue;
      }
    } else if (key === 1) {
      return ~pos;
    } else if (byte < 0x3a) {
      // A number. Written out, because this is where many bodies spend their time; `checkNumber` says it shorter.
      if (byte === 0x2d /* - */) {
        if (++pos >= end) return ~end;
        byte = data.getUint8(pos);
      }
      if (byte < 0x30 || byte > 0x39) return ~pos;
      pos++;
      if (byte !== 0x30) pos = skipDigits(data, pos, end);
      if (pos < end) {
        byte = data.getUint8(pos);
        if (byte === 0x2e /* . */) {
          const first = ++pos;
          pos = skipDigits(data, pos, end);
          if (pos === first) return ~pos;
          byte = pos < end ? data.getUint8(pos) : 0;
        }
        if ((byte | 0x20) === 0x65 /* e, E */) {
          pos = checkExponent(data, pos + 1, end);
          if (pos < 0) return pos;
        }
      }
    } else if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
      if (depth === maxDepth) return TOO_DEEP;
      if (depth !== 0 && (depth & 31) === 0) (spilled ??= []).push(open);
      depth++;
      key = byte === 0x7b ? 1 : 0;
      open = (open << 1) | key;
      pos++;
      if (pos < end && data.getUint8(pos) <= 0x20) pos = skipSpace(data, pos, end);
      if (pos >= end) return ~end;
      // The closing bracket is the opening one plus two. An empty container is closed below, as after a member.
      if (data.getUint8(pos) !== byte + 2) continue;
      key = 0;
    } else if (byte === 0x66 /* f */) {
      if (pos >= last || data.getInt32(pos + 1, true) !== ALSE) return ~pos;
      pos += 5;
    } else {
      if (pos > last) return ~pos;
      const word = data.getInt32(pos, true);
      if (word !== TRUE && word !== NULL) return ~pos;
      pos += 4;
    }

    // A value ended here, or an empty container is about to.
    for (;;) {
      if (depth === 0) return pos;
      if (pos >= end) return ~end;
      byte = data.getUint8(pos);
      if (byte <= 0x20) {
        pos = skipSpace(data, pos, end);
        if (pos >= end) return ~end;
        byte = data.getUint8(pos);
      }
      if (byte === 0x2c /* , */) {
        key = open & 1;
        if (pos < last && data.getUint16(pos, true) === COMMA_BLANK && data.getUint8(pos + 2) > 0x20) {
          pos += 2;
        } else {
          pos = skipSpace(data, pos + 1, end);
        }
        break;
      }
      if (byte !== ((open & 1) === 1 ? 0x7d : 0x5d)) return ~pos;
      pos++;
      depth--;
      open >>>= 1;
      if (depth !== 0 && (depth & 31) === 0) open = spilled?.pop() ?? 0;
    }
  }
}

/**
 * Checks a string, which begins at `pos` exactly, quotes included.
 * @returns the position after it, or `~p`.
 */
export function checkString(data: DataView, pos: number, end: number): number {
  return pos < end && data.getUint8(pos) === 0x22 ? checkValue(data, pos, end, 0) : ~pos;
}

/**
 * Checks a number.
 * @returns the position after it, or `~p`.
 */
export function checkNumber(data: DataView, pos: number, end: number): number {
  const byte = pos < end ? data.getUint8(pos) : 0;
  return byte === 0x2d || (byte >= 0x30 && byte <= 0x39) ? checkValue(data, pos, end, 0) : ~pos;
}

/** The position of the first byte that is no JSON white space. */
export function skipSpace(data: DataView, pos: number, end: number): number {
  while (pos < end) {
    const byte = data.getUint8(pos);
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    pos++;
  }
  return pos;
}

/** The position of the first byte that is no digit. */
export function skipDigits(data: DataView, pos: number, end: number): number {
  const last = end - 4;
  while (pos <= last) {
    const word = data.getInt32(pos, true) ^ 0x30303030;
    const other = ((word + 0x76767676) | word) & 0x80808080;
    if (other !== 0) return pos + ((31 - Math.clz32(other & -other)) >> 3);
    pos += 4;
  }
  while (pos < end && ((data.getUint8(pos) - 0x30) & 0xff) <= 9) pos++;
  return pos;
}

/** After an `e`. */
function checkExponent(data: DataView, pos: number, end: number): number {
  if (pos < end && (data.getUint8(pos) === 0x2b || data.getUint8(pos) === 0x2d)) pos++;
  const after = skipDigits(data, pos, end);
  return after === pos ? ~pos : after;
}

/** Inside a string, a byte that does not stand for itself. */
function checkSpecial(data: DataView, pos: number, end: number, byte: number): number {
  if (byte === 0x5c /* \ */) return checkEscape(data, pos + 1, end);
  return byte >= 0x80 ? checkMultibyte(data, pos, end, byte) : ~pos;
}

/** From the byte after the backslash on. */
function checkEscape(data: DataView, pos: number, end: number): number {
  if (pos >= end) return ~end;
  switch (data.getUint8(pos)) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return pos + 1;
    case 0x75: // u
      if (pos + 5 > end) return ~end;
      for (let i = pos + 1; i < pos + 5; i++) {
        const byte = data.getUint8(i);
        const letter = byte | 0x20;
        if (!(byte >= 0x30 && byte <= 0x39) && !(letter >= 0x61 && letter <= 0x66)) return ~i;
      }
      return pos + 5;
    default:
      return ~pos;
  }
}

/** One character of two to four bytes: no overlong form, no surrogate, nothing above U+10FFFF. */
function checkMultibyte(data: DataView, pos: number, end: number, lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return ~pos;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (pos + length > end) return ~pos;
  // Only the second byte's range depends on the first.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = data.getUint8(pos + 1);
  if (second < low || second > high) return ~pos;
  for (let i = pos + 2; i < pos + length; i++) {
    if ((data.getUint8(i) & 0xc0) !== 0x80) return ~pos;
  }
  return pos + length;
}
