// An id that is the first member of a head, as we write it: see ../json/id.ts.

import { utf8Text } from '../text.js';
import { ID_OPENING } from './head.js';

const SHORT_TEXT = 0xa0;
const LONG_TEXT = 0xd9;

/**
 * Where a head that begins at `start` goes on after an id of plain characters; `start` when it does not begin with one.
 */
export function idEnd(bytes: Uint8Array, start: number, end: number): number {
  const text = start + 1 + ID_OPENING.length;
  if (bytes[start + 1] !== ID_OPENING[0] || bytes[start + 2] !== ID_OPENING[1] || text + 1 >= end) return start;
  if (bytes[start + 3] !== ID_OPENING[2] || bytes[start + 4] !== ID_OPENING[3]) return start;
  const size = bytes[text] ?? 0;
  const at = size === LONG_TEXT ? text + 2 : text + 1;
  const rest = at + (size === LONG_TEXT ? (bytes[text + 1] ?? 0) : size - SHORT_TEXT);
  if (rest < at || rest >= end || (size !== LONG_TEXT && size >= SHORT_TEXT + 32)) return start;
  for (let i = at; i < rest; i++) {
    const byte = bytes[i] ?? 0;
    if (byte < 0x20 || byte > 0x7e) return start;
  }
  return rest;
}

/** The id of a head that goes on at `rest`, which `idEnd` returned. */
export function idBefore(bytes: Uint8Array, start: number, rest: number): string {
  const text = start + 1 + ID_OPENING.length;
  return utf8Text(bytes, bytes[text] === LONG_TEXT ? text + 2 : text + 1, rest);
}
