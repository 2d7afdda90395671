// Is this one JSON value? Told byte by byte, without building it: a broker must never pass on a malformed body, and
// never needs a well-formed one. Strict RFC 8259 and strict UTF-8.
//
// Hot, and written for it (test/bench/micro/codec.bench.ts): one function for one value of any depth, no recursion,
// no allocation up to 32 levels. The open arrays and objects are bits of a local integer, so the usual body never
// touches memory for them. It is called from one place and has one signature, so that another implementation
// (WebAssembly) can take its place.

/** Returned by `checkValue` for a value that nests deeper than it may. */
export const TOO_DEEP = -0x8000_0000;

/** Bytes that a string may hold as they are: printable ASCII but `"` and `\`. All others are looked at one by one. */
const PLAIN = new Uint8Array(256).fill(1, 0x20, 0x80);
PLAIN[0x22] = 0;
PLAIN[0x5c] = 0;

/**
 * Checks one value, which begins at `pos` exactly. Never looks at `end` or beyond.
 * @returns the position after the value; `~p` when it is malformed at `p`; `TOO_DEEP`.
 */
export function checkValue(bytes: Uint8Array, pos: number, end: number, maxDepth: number): number {
  let depth = 0;
  // One bit for each open container, the innermost lowest: 1 an object, 0 an array. Spilled every 32 levels.
  let open = 0;
  let spilled: number[] | undefined;
  for (;;) {
    // A value begins here.
    if (pos >= end) return ~end;
    let byte = bytes[pos];
    if (byte === 0x22 /* " */) {
      pos = checkString(bytes, pos + 1, end);
      if (pos < 0) return pos;
    } else if (byte === 0x7b /* { */ || byte === 0x5b /* [ */) {
      if (depth === maxDepth) return TOO_DEEP;
      if (depth !== 0 && (depth & 31) === 0) (spilled ??= []).push(open);
      depth++;
      open = (open << 1) | (byte === 0x7b ? 1 : 0);
      pos = skipSpace(bytes, pos + 1, end);
      if (pos >= end) return ~end;
      if (byte === 0x5b) {
        if (bytes[pos] !== 0x5d /* ] */) continue;
      } else if (bytes[pos] !== 0x7d /* } */) {
        pos = checkKey(bytes, pos, end);
        if (pos < 0) return pos;
        continue;
      }
      // Empty: closed below, as after a member.
    } else if (byte === 0x74 /* t */) {
      if (pos + 4 > end || bytes[pos + 1] !== 0x72 || bytes[pos + 2] !== 0x75 || bytes[pos + 3] !== 0x65) return ~pos;
      pos += 4;
    } else if (byte === 0x6e /* n */) {
      if (pos + 4 > end || bytes[pos + 1] !== 0x75 || bytes[pos + 2] !== 0x6c || bytes[pos + 3] !== 0x6c) return ~pos;
      pos += 4;
    } else if (byte === 0x66 /* f */) {
      if (pos + 5 > end || bytes[pos + 1] !== 0x61 || bytes[pos + 2] !== 0x6c || bytes[pos + 3] !== 0x73) return ~pos;
      if (bytes[pos + 4] !== 0x65) return ~pos;
      pos += 5;
    } else {
      pos = checkNumber(bytes, pos, end);
      if (pos < 0) return pos;
    }

    // A value ended here, or an empty container is about to.
    for (;;) {
      if (depth === 0) return pos;
      if (pos >= end) return ~end;
      byte = bytes[pos];
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        pos = skipSpace(bytes, pos + 1, end);
        if (pos >= end) return ~end;
        byte = bytes[pos];
      }
      if (byte === 0x2c /* , */) {
        // The blank after a comma is what Python writes.
        pos++;
        if (pos < end && bytes[pos] === 0x20) pos++;
        if (pos < end && (bytes[pos] ?? 0) <= 0x20) pos = skipSpace(bytes, pos, end);
        if ((open & 1) === 0) break;
        pos = checkKey(bytes, pos, end);
        if (pos < 0) return pos;
        break;
      }
      if (byte !== ((open & 1) === 0 ? 0x5d : 0x7d)) return ~pos;
      pos++;
      depth--;
      open >>>= 1;
      if (depth !== 0 && (depth & 31) === 0) open = spilled?.pop() ?? 0;
    }
  }
}

/**
 * Checks a member's key and colon, from the opening quote on.
 * @returns where the value begins, or `~p`.
 */
function checkKey(bytes: Uint8Array, pos: number, end: number): number {
  if (pos >= end || bytes[pos] !== 0x22) return ~pos;
  pos = checkString(bytes, pos + 1, end);
  if (pos < 0) return pos;
  if (pos < end && bytes[pos] !== 0x3a) pos = skipSpace(bytes, pos, end);
  if (pos >= end || bytes[pos] !== 0x3a /* : */) return ~pos;
  pos++;
  if (pos < end && bytes[pos] === 0x20) pos++;
  return pos < end && (bytes[pos] ?? 0) <= 0x20 ? skipSpace(bytes, pos, end) : pos;
}

/**
 * Checks a string from the byte after its opening quote on.
 * @returns the position after the closing quote, or `~p`.
 */
export function checkString(bytes: Uint8Array, pos: number, end: number): number {
  for (;;) {
    while (pos < end && PLAIN[bytes[pos] ?? 0] === 1) pos++;
    if (pos >= end) return ~end;
    const byte = bytes[pos] ?? 0;
    if (byte === 0x22) return pos + 1;
    if (byte === 0x5c /* \ */) pos = checkEscape(bytes, pos + 1, end);
    else if (byte >= 0x80) pos = checkMultibyte(bytes, pos, end);
    else return ~pos;
    if (pos < 0) return pos;
  }
}

/** From the byte after the backslash on. */
function checkEscape(bytes: Uint8Array, pos: number, end: number): number {
  if (pos >= end) return ~end;
  switch (bytes[pos]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return pos + 1;
    case 0x75: {
      // u: four hexadecimal digits; a lone surrogate is allowed, Python emits it.
      if (pos + 5 > end) return ~end;
      for (let i = pos + 1; i < pos + 5; i++) {
        const lower = (bytes[i] ?? 0) | 0x20;
        const digit = lower >= 0x30 && lower <= 0x39 && (bytes[i] ?? 0) >= 0x30;
        if (!digit && !(lower >= 0x61 && lower <= 0x66)) return ~i;
      }
      return pos + 5;
    }
    default:
      return ~pos;
  }
}

/** One character of two to four bytes: no overlong form, no surrogate, nothing above U+10FFFF. */
function checkMultibyte(bytes: Uint8Array, pos: number, end: number): number {
  const lead = bytes[pos] ?? 0;
  if (lead < 0xc2 || lead > 0xf4) return ~pos;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (pos + length > end) return ~pos;
  // Only the second byte's range depends on the first.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[pos + 1] ?? 0;
  if (second < low || second > high) return ~pos;
  for (let i = pos + 2; i < pos + length; i++) {
    if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return ~pos;
  }
  return pos + length;
}

/**
 * Checks a number.
 * @returns the position after it, or `~p`.
 */
export function checkNumber(bytes: Uint8Array, pos: number, end: number): number {
  if (pos < end && bytes[pos] === 0x2d /* - */) pos++;
  if (pos >= end) return ~end;
  if (bytes[pos] === 0x30) pos++;
  else {
    const first = pos;
    pos = skipDigits(bytes, pos, end);
    if (pos === first) return ~pos;
  }
  if (pos < end && bytes[pos] === 0x2e /* . */) {
    const first = pos + 1;
    pos = skipDigits(bytes, first, end);
    if (pos === first) return ~pos;
  }
  if (pos < end && ((bytes[pos] ?? 0) | 0x20) === 0x65 /* e, E */) {
    pos++;
    if (pos < end && (bytes[pos] === 0x2b || bytes[pos] === 0x2d)) pos++;
    const first = pos;
    pos = skipDigits(bytes, first, end);
    if (pos === first) return ~pos;
  }
  return pos;
}

function skipDigits(bytes: Uint8Array, pos: number, end: number): number {
  while (pos < end && (((bytes[pos] ?? 0) - 0x30) & 0xff) <= 9) pos++;
  return pos;
}

/** The position of the first byte that is no JSON white space. */
export function skipSpace(bytes: Uint8Array, pos: number, end: number): number {
  while (pos < end) {
    const byte = bytes[pos];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    pos++;
  }
  return pos;
}
