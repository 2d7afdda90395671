// Heads repeat: a publisher sends the same few again and again, differing in their time at most. What stands before a body
// and is known, byte for byte, need not be parsed.

import { findByte } from '../text.js';
import type { JsonHead } from './head.js';
import { storeWords, wordsNeeded, wordsStandAt } from './words.js';

/** What is known of one way to begin a message: all that stands before the body, or between an id and the body. */
export interface KnownStart {
  readonly head: JsonHead;
  /** Bytes up to the number of `time`; all of them when the head has none. */
  readonly before: number;
  /** Bytes from the number on; 0 when the head has no time. */
  readonly after: number;
  /** From the beginning of the message to that of the head. */
  readonly headOffset: number;
  /** The head begins with an id, which is different each time: what is known begins after it. */
  readonly identified: boolean;
  /** From the end of the head to the body. */
  readonly bodyGap: number;
  /** The bytes before the head, and those between head and body, are those that the peers write. */
  readonly asPeersWrite: boolean;
}

/** A `KnownStart` in its place. A class: objects that are spread from others have a shape each, which costs 1 µs a read. */
export class MemoSlot {
  readonly head: JsonHead;
  readonly before: number;
  readonly after: number;
  readonly headOffset: number;
  readonly identified: boolean;
  readonly bodyGap: number;
  readonly asPeersWrite: boolean;
  /** Where its bytes are in the memory's store. */
  readonly words: number;
  /** Its place was taken by another: readers must not use it any more. */
  replaced = false;

  constructor(known: KnownStart, words: number) {
    this.head = known.head;
    this.before = known.before;
    this.after = known.after;
    this.headOffset = known.headOffset;
    this.identified = known.identified;
    this.bodyGap = known.bodyGap;
    this.asPeersWrite = known.asPeersWrite;
    this.words = words;
  }
}

const FIRST_SIZE = 512;
/** More channels in turn than this, and each head is parsed again. */
const LARGEST_SIZE = 16_384;
const MAX_BYTES = 256;
/** Both parts, each rounded up. */
const SLOT_WORDS = MAX_BYTES / 8 + 2;
const FIRST_SLOTS = 16;

/**
 * A bounded memory of what readers with the same limits have taken: two places for each hash, newer ones replace older
 * ones. Whoever crafts equal hashes makes it forget, never mistake one for another: what is found here is compared byte
 * for byte.
 *
 * What begins like this gets in when it comes for the second time: heads that never come again (each remote call has channels
 * of its own) cost nothing to keep, and push out none that do.
 *
 * All bytes lie in one array, which grows: with hundreds of channels in turn, an array each means many cache misses.
 */
export class HeadMemo {
  readonly #largest: number;
  #mask: number;
  #hashes: Int32Array;
  /** The hash that asked last for each place. */
  #asked: Int32Array;
  #known: (MemoSlot | undefined)[];
  #words = new Float64Array(FIRST_SLOTS * SLOT_WORDS);
  /** First free position in `#words`. */
  #used = 0;
  #turnedAway = 0;
  #replacements = 0;

  /** @param largest - places it may grow to: a power of two from 2 to 16,384. */
  constructor(largest = LARGEST_SIZE) {
    const size = Math.min(FIRST_SIZE, largest);
    this.#largest = largest;
    this.#mask = size - 1;
    this.#hashes = new Int32Array(size);
    this.#asked = new Int32Array(size);
    this.#known = places(size);
  }

  /** What has this hash, perhaps; ask for `gap`. */
  candidate(hash: number): MemoSlot | undefined {
    const place = this.#place(hash);
    if (this.#hashes[place] === hash) return this.#known[place];
    return this.#hashes[place ^ 1] === hash ? this.#known[place ^ 1] : undefined;
  }

  /**
   * Whether the bytes from `pos` on are these, up to the number of the time or to the body.
   * @returns the position there, or -1.
   */
  gap(known: MemoSlot, data: DataView, pos: number, end: number): number {
    const gap = pos + known.before;
    return gap <= end && wordsStandAt(this.#words, known.words, known.before, data, pos) ? gap : -1;
  }

  /**
   * Whether the rest follows after the number of its time.
   * @returns where the body begins, or -1.
   */
  body(known: MemoSlot, data: DataView, pos: number, end: number): number {
    const body = pos + known.after;
    const words = known.words + wordsNeeded(known.before);
    return body <= end && wordsStandAt(this.#words, words, known.after, data, pos) ? body : -1;
  }

  /** Whether something with this hash and size may be kept: it is not the first time that it asks. */
  wants(hash: number, bytes: number): boolean {
    if (bytes > MAX_BYTES) return false;
    const asked = this.#asked;
    const place = (hash >>> 18) & (asked.length - 1);
    if (asked[place] === hash) return true;
    // Heads in turn that share a place would put each other out for ever if each did: every second one does, by chance.
    if (mix(++this.#turnedAway, hash) >= 0) asked[place] = hash;
    // More heads in turn than there are places: few would still be there when they come again.
    if (this.#turnedAway > asked.length * 4 && asked.length < this.#largest) {
      this.#asked = new Int32Array(asked.length * 2);
      this.#turnedAway = 0;
    }
    return false;
  }

  /** Remembers the bytes from `pos` on, without those of the time's number, which ends at `timeEnd`. */
  keep(hash: number, data: DataView, pos: number, timeEnd: number, known: KnownStart): MemoSlot {
    if (this.#taken(hash) && this.#known.length < this.#largest) this.#grow();
    let place = this.#place(hash);
    const other = this.#known[place ^ 1];
    if (this.#known[place] !== undefined && (other === undefined || ++this.#replacements % 2 === 0)) place ^= 1;
    const replaced = this.#known[place];
    if (replaced !== undefined) replaced.replaced = true;
    const slot = new MemoSlot(known, replaced?.words ?? this.#allocate());
    storeWords(this.#words, slot.words, data, pos, known.before);
    if (known.after > 0) {
      storeWords(this.#words, slot.words + wordsNeeded(known.before), data, timeEnd, known.after);
    }
    this.#known[place] = slot;
    this.#hashes[place] = hash;
    return slot;
  }

  /** Whether something would have to go. */
  #taken(hash: number): boolean {
    const place = this.#place(hash);
    return this.#known[place] !== undefined && this.#known[place ^ 1] !== undefined;
  }

  #grow(): void {
    const known = this.#known;
    const hashes = this.#hashes;
    const size = known.length * 2;
    this.#mask = size - 1;
    this.#hashes = new Int32Array(size);
    this.#known = places(size);
    for (const [i, slot] of known.entries()) {
      const hash = hashes[i];
      if (slot === undefined || hash === undefined) continue;
      // Two places each are enough for them: those that shared two before share two or four now.
      const place = this.#known[this.#place(hash)] === undefined ? this.#place(hash) : this.#place(hash) ^ 1;
      this.#known[place] = slot;
      this.#hashes[place] = hash;
    }
  }

  #allocate(): number {
    const at = this.#used;
    this.#used += SLOT_WORDS;
    if (this.#used > this.#words.length) {
      const larger = new Float64Array(this.#words.length * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    return at;
  }

  // The upper bits depend on all bytes.
  #place(hash: number): number {
    return (hash >>> 18) & this.#mask;
  }
}

function places(size: number): (MemoSlot | undefined)[] {
  return Array.from({ length: size }, () => undefined);
}

const TIM = 0x6d697422; // `"tim`, read little-endian
const E_BLANK = 0x203a2265; // `e": `
/** Where the key stands in a message that begins `{"head": {"time": `, as those do that a bridge of the peers sends. */
const TIME_FIRST = 10;
const SHORTEST = 32;

/**
 * Hashes what stands before the first closing brace, which ends most heads. A number right before it is left out,
 * and one that is a time at the beginning: heads that differ in their time only have one hash.
 * @param base - position of `bytes` in `data`.
 * @returns 0 when there is nothing to hash.
 */
export function hashStart(bytes: Uint8Array, data: DataView, base: number, start: number, end: number): number {
  const brace = findByte(bytes, 0x7d, start);
  if (brace < start + SHORTEST || brace >= end || brace - start > MAX_BYTES) return 0;
  let stop = base + brace;
  let at = base + start;
  // At least eight bytes are left, whatever comes.
  while (stop > at + SHORTEST - 8 && isNumeric(data.getUint8(stop - 1))) stop--;
  if (data.getInt32(at + TIME_FIRST, true) === TIM && data.getInt32(at + TIME_FIRST + 4, true) === E_BLANK) {
    at += TIME_FIRST + 8;
    while (at < stop - 4 && isNumeric(data.getUint8(at))) at++;
  }
  let hash = stop - at;
  const last = stop - 4;
  for (; at < last; at += 4) hash = mix(hash, data.getInt32(at, true));
  // The last four bytes, some of them once more: what stands before them is at hand in any case.
  return mix(hash, data.getInt32(last, true));
}

/** A product moves differences up only; the rotation brings them back down. */
function mix(hash: number, word: number): number {
  return Math.imul(((hash << 13) | (hash >>> 19)) ^ word, 0x9e3779b1);
}

/** What numbers are made of: `+`, `-`, `.`, digits, `E`, `e`. */
function isNumeric(byte: number): boolean {
  return (byte <= 0x39 && byte >= 0x2b && byte !== 0x2c && byte !== 0x2f) || (byte | 0x20) === 0x65;
}
