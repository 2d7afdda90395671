// Heads repeat: a publisher sends the same few again and again, differing in their time at most. A head that is known,
// byte for byte, need not be parsed.

import type { Limits } from '../../contracts/index.js';
import type { JsonHead, ParsedHead } from './head.js';
import { depthOf } from './head.js';

/** A head as it looks on the wire. When it has a time, the number is left out: a gap between the two parts. */
export interface KnownHead {
  readonly head: JsonHead;
  /** Up to the number of `time`; all of it when there is none. */
  readonly before: Uint8Array;
  /** From the number on. Empty when there is none. */
  readonly after: Uint8Array;
  readonly timed: boolean;
  /** Size and depth that a limit may be held against; the memory is shared by readers with different limits. */
  readonly bytes: number;
  readonly depth: number;
}

const SLOTS = 4096;
const MAX_HEAD_BYTES = 512;

/**
 * A bounded memory of heads: one slot for each hash, newer ones replace older ones. Whoever crafts heads with equal
 * hashes makes it forget, never mistake one for another: what is found here is compared byte for byte.
 *
 * A head is kept when it comes the second time in a row to its slot, so that heads which never repeat (each remote
 * call has channels of its own) neither cost a copy nor push out those that do.
 */
export class HeadMemo {
  readonly #slots: number;
  readonly #known: (KnownHead | undefined)[];
  readonly #seen: Int32Array;

  constructor(slots = SLOTS) {
    this.#slots = slots;
    this.#known = Array.from({ length: slots }, () => undefined);
    this.#seen = new Int32Array(slots);
  }

  /** The head that has this hash, perhaps; compare it. */
  candidate(hash: number): KnownHead | undefined {
    return this.#known[this.#slot(hash)];
  }

  /** Takes note of a parsed head, and returns it when it is kept from now on. */
  remember(hash: number, bytes: Uint8Array, start: number, end: number, parsed: ParsedHead): KnownHead | undefined {
    if (end - start > MAX_HEAD_BYTES) return undefined;
    const slot = this.#slot(hash);
    if (this.#seen[slot] !== hash) {
      this.#seen[slot] = hash;
      return undefined;
    }
    const { head, time, timeStart, timeEnd } = parsed;
    const timed = time !== undefined;
    const known: KnownHead = {
      head,
      before: bytes.slice(start, timed ? timeStart : end),
      after: timed ? bytes.slice(timeEnd, end) : new Uint8Array(0),
      timed,
      bytes: end - start,
      depth: depthOf(head.channel),
    };
    this.#known[slot] = known;
    return known;
  }

  #slot(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 16) % this.#slots;
  }
}

/** Whether another reader's head is within these limits too. */
export function withinLimits(known: KnownHead, limits: Limits): boolean {
  return (
    known.bytes <= limits.headBytes &&
    known.head.channel.length <= limits.channelLength &&
    known.depth <= limits.channelDepth
  );
}

/**
 * Hashes the object that begins at `start`, leaving out the number of a `time` among its members. Only looks for where
 * strings and objects end: what is hashed need not be valid JSON, and then has the hash of nothing that is known.
 */
export function hashHead(bytes: Uint8Array, start: number, limit: number): number {
  let hash = 0;
  let depth = 0;
  let pos = start;
  while (pos < limit) {
    let byte = bytes[pos++] ?? 0;
    hash = ((hash << 5) | (hash >>> 27)) ^ byte;
    if (byte === 0x22) {
      const first = pos;
      while (pos < limit) {
        byte = bytes[pos++] ?? 0;
        hash = ((hash << 5) | (hash >>> 27)) ^ byte;
        if (byte === 0x22) break;
        if (byte === 0x5c) pos++;
      }
      if (pos - first === 5 && depth === 1 && isTimeKey(bytes, first, limit)) pos = afterNumber(bytes, pos, limit);
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
    } else if (byte === 0x7d || byte === 0x5d) {
      if (--depth <= 0) break;
    }
  }
  return hash;
}

/** Whether `time":` stands here. */
function isTimeKey(bytes: Uint8Array, pos: number, limit: number): boolean {
  return (
    pos + 5 < limit &&
    bytes[pos] === 0x74 &&
    bytes[pos + 1] === 0x69 &&
    bytes[pos + 2] === 0x6d &&
    bytes[pos + 3] === 0x65 &&
    bytes[pos + 5] === 0x3a
  );
}

/** Skips a colon, a blank, and what numbers are made of. */
function afterNumber(bytes: Uint8Array, pos: number, limit: number): number {
  pos++;
  if (pos < limit && bytes[pos] === 0x20) pos++;
  while (pos < limit) {
    const byte = bytes[pos] ?? 0;
    const digit = byte >= 0x30 && byte <= 0x39;
    if (!digit && byte !== 0x2e && byte !== 0x2d && byte !== 0x2b && (byte | 0x20) !== 0x65) break;
    pos++;
  }
  return pos;
}

/** Whether the known bytes stand at `pos`. */
export function standsAt(known: Uint8Array, bytes: Uint8Array, pos: number, end: number): boolean {
  const length = known.length;
  if (length > end - pos) return false;
  for (let i = 0; i < length; i++) {
    if (known[i] !== bytes[pos + i]) return false;
  }
  return true;
}
