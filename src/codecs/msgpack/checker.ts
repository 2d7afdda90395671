// Whether bytes are one well-formed msgpack value of our value domain, without building it. Jumps over texts and binary
// data by their lengths, so the cost is that of the number of values, not of the number of bytes.

/** A result of `checkValue`: nested more deeply than allowed. */
export const TOO_DEEP = -2;
/** A result of `checkValue`: not well-formed, or outside the value domain. */
export const INVALID = -1;

const MAP = 0x8000_0000;

/** Fixed sizes after the first byte 0xca..0xd3: floats and integers. */
const NUMBER_BYTES = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8];

/**
 * Checks one value. Map keys must be texts or integers, and the only extension is the timestamp (-1).
 * @returns the position after the value, `INVALID` or `TOO_DEEP`. Never looks at `end` or beyond.
 */
export function checkValue(bytes: Uint8Array, start: number, end: number, maxDepth: number): number {
  let pos = start;
  // For each open collection the values still to come; the high bit says that it is a map (two values a member).
  const open: number[] = [];
  let left = 1;
  let isMap = false;
  for (;;) {
    while (left === 0) {
      const outer = open.pop();
      if (outer === undefined) return pos;
      isMap = outer >= MAP;
      left = isMap ? outer - MAP : outer;
    }
    if (pos >= end) return INVALID;
    const first = bytes[pos++] ?? 0;
    const key = isMap && (left & 1) === 0;
    left--;
    // Small integers, the commonest values.
    if (first <= 0x7f || first >= 0xe0) continue;
    let size = -1;
    let members = -1;
    if (first >= 0xa0 && first <= 0xbf) size = first & 0x1f;
    else if (first >= 0x90 && first <= 0x9f) members = first & 0x0f;
    else if (first <= 0x8f) members = (first & 0x0f) * 2;
    else if (first >= 0xd9 && first <= 0xdb) {
      const width = 1 << (first - 0xd9);
      size = unsigned(bytes, pos, end, width);
      pos += width;
    } else if (first >= 0xca && first <= 0xd3) {
      if (key && first <= 0xcb) return INVALID;
      size = NUMBER_BYTES[first - 0xca] ?? -1;
    } else if (key) return INVALID;
    else if (first === 0xc0 || first === 0xc2 || first === 0xc3) continue;
    else if (first >= 0xc4 && first <= 0xc6) {
      const width = 1 << (first - 0xc4);
      size = unsigned(bytes, pos, end, width);
      pos += width;
    } else if (first === 0xdc || first === 0xdd || first === 0xde || first === 0xdf) {
      const width = (first & 1) === 0 ? 2 : 4;
      members = unsigned(bytes, pos, end, width);
      pos += width;
      if (members >= 0 && first >= 0xde) members *= 2;
    } else if (first === 0xd6 || first === 0xd7 || first === 0xc7) {
      // Timestamps: 4 or 8 bytes, or 12 with a length before.
      if (first === 0xc7 && (pos >= end || bytes[pos++] !== 12)) return INVALID;
      if (pos >= end || bytes[pos++] !== 0xff) return INVALID;
      size = first === 0xd6 ? 4 : first === 0xd7 ? 8 : 12;
    }
    if (size >= 0) {
      pos += size;
      if (pos > end) return INVALID;
      continue;
    }
    // Every member takes a byte at least, so a count cannot promise more than there is.
    if (members < 0 || members > end - pos || key) return INVALID;
    if (open.length >= maxDepth) return TOO_DEEP;
    open.push(isMap ? left + MAP : left);
    left = members;
    isMap = first <= 0x8f || first >= 0xde;
  }
}

function unsigned(bytes: Uint8Array, pos: number, end: number, width: number): number {
  if (pos + width > end) return -1;
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[pos + i] ?? 0);
  return value;
}
