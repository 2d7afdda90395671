// Which messages were here already, by their ids (docs/protocol.md#message-identity): what comes by two bridges, or is
// published again after a reconnect, is applied once. Bounded: see docs/limits.md.

/** Ids of one origin that are told apart: older ones count as seen. */
const WINDOW = 1024;
const WORDS = WINDOW / 32;
const DEFAULT_ORIGINS = 4096;
const DEFAULT_CONTENTS = 16_384;
/** An id by content begins with this: every message has an origin of its own, so nothing is gained by numbers. */
const BY_CONTENT = '~';
/** `<origin>:<n>`, counted from 1. A message with any other id has none. */
const ID = /^([\w~-]{1,64}):([1-9]\d{0,14})$/;

export interface SeenOptions {
  /** Origins remembered; the one that was quiet for longest is forgotten first. */
  readonly origins?: number;
  /** Ids by content remembered, the oldest forgotten first. */
  readonly contents?: number;
}

/** An id, taken apart. */
export interface MessageId {
  readonly origin: string;
  readonly sequence: number;
}

/** Takes an id apart; `undefined` when it is none. */
export function readId(id: string): MessageId | undefined {
  const [, origin, sequence] = ID.exec(id) ?? [];
  return origin === undefined ? undefined : { origin, sequence: Number(sequence) };
}

/** The ids that one broker has seen. */
export class Seen {
  readonly #maxOrigins: number;
  readonly #maxContents: number;
  // The latest last.
  readonly #origins = new Map<string, Window>();
  readonly #contents = new Set<string>();
  #latest: Window | undefined;
  #latestOrigin = '';

  constructor({ origins = DEFAULT_ORIGINS, contents = DEFAULT_CONTENTS }: SeenOptions = {}) {
    this.#maxOrigins = origins;
    this.#maxContents = contents;
  }

  /** Origins remembered. */
  get size(): number {
    return this.#origins.size;
  }

  has({ origin, sequence }: MessageId): boolean {
    if (origin.startsWith(BY_CONTENT)) return this.#contents.has(`${origin}:${sequence}`);
    return (origin === this.#latestOrigin ? this.#latest : this.#origins.get(origin))?.has(sequence) === true;
  }

  /** Returns whether it is new. */
  add(id: MessageId): boolean {
    const { origin, sequence } = id;
    if (origin.startsWith(BY_CONTENT)) return this.#addContent(`${origin}:${sequence}`);
    return this.#window(origin).add(sequence);
  }

  /** All up to `sequence` was seen, as a store remembers it. */
  addAllUpTo({ origin, sequence }: MessageId): void {
    this.#window(origin).addAllUpTo(sequence);
  }

  #window(origin: string): Window {
    if (origin === this.#latestOrigin && this.#latest !== undefined) return this.#latest;
    let window = this.#origins.get(origin);
    if (window === undefined) window = new Window();
    else this.#origins.delete(origin);
    this.#origins.set(origin, window);
    this.#latest = window;
    this.#latestOrigin = origin;
    if (this.#origins.size > this.#maxOrigins) forgetFirst(this.#origins);
    return window;
  }

  #addContent(id: string): boolean {
    if (this.#contents.has(id)) return false;
    this.#contents.add(id);
    if (this.#contents.size > this.#maxContents) forgetFirst(this.#contents);
    return true;
  }
}

function forgetFirst(all: { keys(): IterableIterator<string>; delete(key: string): boolean }): void {
  const first = all.keys().next();
  if (first.done !== true) all.delete(first.value);
}

/** The numbers of one origin: the highest, and a bit for each of the 1,024 up to it. */
class Window {
  #highest = 0;
  // Number `n` is bit `n % WINDOW`. Made when a number is left out, which most origins never do.
  #bits: Uint32Array | undefined;

  has(sequence: number): boolean {
    if (sequence > this.#highest) return false;
    return this.#bits === undefined || sequence <= this.#highest - WINDOW || this.#bit(this.#bits, sequence);
  }

  add(sequence: number): boolean {
    const before = this.#highest;
    if (sequence <= before) {
      if (this.has(sequence)) return false;
      if (this.#bits !== undefined) set(this.#bits, sequence);
      return true;
    }
    this.#highest = sequence;
    if (sequence === before + 1) {
      if (this.#bits !== undefined) set(this.#bits, sequence);
      return true;
    }
    const left = sequence - before;
    // What comes first for this broker need not be the first of its origin: what is older was never wanted here.
    if (this.#bits === undefined) this.#bits = new Uint32Array(WORDS).fill(before === 0 ? 0 : 0xffff_ffff);
    if (left >= WINDOW) this.#bits.fill(0);
    else for (let n = before + 1; n < sequence; n++) clear(this.#bits, n);
    set(this.#bits, sequence);
    return true;
  }

  addAllUpTo(sequence: number): void {
    if (sequence <= this.#highest) {
      const from = Math.max(1, this.#highest - WINDOW + 1);
      if (this.#bits !== undefined) for (let n = from; n <= sequence; n++) set(this.#bits, n);
      return;
    }
    this.#highest = sequence;
    this.#bits = undefined;
  }

  #bit(bits: Uint32Array, sequence: number): boolean {
    return ((word(bits, sequence) >>> (sequence & 31)) & 1) === 1;
  }
}

function word(bits: Uint32Array, sequence: number): number {
  return bits[indexOf(sequence)] ?? 0;
}

function set(bits: Uint32Array, sequence: number): void {
  bits[indexOf(sequence)] = word(bits, sequence) | (1 << (sequence & 31));
}

function clear(bits: Uint32Array, sequence: number): void {
  bits[indexOf(sequence)] = word(bits, sequence) & ~(1 << (sequence & 31));
}

// Numbers reach past 32 bits.
function indexOf(sequence: number): number {
  return (sequence % WINDOW) >>> 5;
}
