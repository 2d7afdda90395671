// An id that is the first member of a head, as we write it. It is different in every message, so what is remembered of
// heads begins after it; its origin is mostly that of the message before.

import { utf8Text } from '../text.js';
import { copyText, KnownText } from './words.js';

const BEGINNING = '{"head": {"-id": "';
const OPENING = new KnownText(BEGINNING);
/** Longer ones are read like any other member. */
const LONGEST = 96;
const QUOTE = 0x22;
const DASH = 0x2d;
const DASH_AT = BEGINNING.indexOf('-');
const SEPARATOR = 0x202c; // `, `, read little-endian

/**
 * Where a message that begins at `start` goes on after an id of plain characters: at the quote of its second member.
 * `start` when it does not begin with one.
 */
export function idEnd(data: DataView, start: number, end: number): number {
  // Nearly all go no further than here.
  if (start + DASH_AT >= end || data.getUint8(start + DASH_AT) !== DASH) return start;
  if (!OPENING.standsAt(data, start, end)) return start;
  const last = Math.min(end, start + OPENING.length + LONGEST) - 4;
  for (let at = start + OPENING.length; at <= last; at += 4) {
    // As in the checker: the lowest top bit marks the first byte that is a quote, a backslash, or no plain character.
    const word = data.getInt32(at, true);
    const special =
      (word | (word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101)) &
      0x80808080;
    if (special === 0) continue;
    at += (31 - Math.clz32(special & -special)) >> 3;
    if (data.getUint8(at) !== QUOTE || at + 4 > end) return start;
    return data.getUint16(at + 1, true) === SEPARATOR && data.getUint8(at + 3) === QUOTE ? at + 3 : start;
  }
  return start;
}

/** The id of a message that goes on at `rest`, which `idEnd` returned. */
export function idBefore(bytes: Uint8Array, start: number, rest: number): string {
  return utf8Text(bytes, start + OPENING.length, rest - 3);
}

/** What a message with an id begins with, and others as well. */
export const COMMON_OPENING = '{"head": {'.length;

const PLAIN = /^[ !#-[\]-~]*$/;

/** The beginning of a message with this id. */
export function openingWith(id: string): string {
  return `{"head": {"-id": ${PLAIN.test(id) ? `"${id}"` : JSON.stringify(id)}, `;
}

/** Writes the beginning of a message up to its channel, in two steps: how long it is, and then it. */
export interface Openings {
  /** Says what is next, and returns how many bytes its message begins with. */
  prepare(text: string): number;
  /** Writes what was prepared, and returns the position after it. */
  write(target: DataView, start: number): number;
}

/** Writes beginnings: of ids with one origin, only the rest anew. */
export class OpeningWriter implements Openings {
  #origin = '\0';
  #opening = OPENING;
  #rest = '';

  prepare(id: string): number {
    if (!id.startsWith(this.#origin)) {
      const origin = id.slice(0, id.indexOf(':') + 1);
      if (origin === '' || !PLAIN.test(origin)) return this.#prepareOdd(id);
      this.#origin = origin;
      this.#opening = new KnownText(BEGINNING + origin);
    }
    this.#rest = id.slice(this.#origin.length);
    if (this.#rest === '' || !PLAIN.test(this.#rest)) return this.#prepareOdd(id);
    return this.#opening.length + this.#rest.length + 3;
  }

  /** Writes the id that was prepared, and returns the position after it. */
  write(target: DataView, start: number): number {
    const rest = this.#rest;
    let at = copyText(this.#opening.data, 0, this.#opening.length, target, start);
    if (rest === '') return at;
    for (let i = 0; i < rest.length; i++) target.setUint8(at++, rest.charCodeAt(i));
    target.setUint8(at, QUOTE);
    target.setUint16(at + 1, SEPARATOR, true);
    return at + 3;
  }

  #prepareOdd(id: string): number {
    // Nothing begins with it.
    this.#origin = '\0';
    this.#opening = new KnownText(openingWith(id));
    this.#rest = '';
    return this.#opening.length;
  }
}
