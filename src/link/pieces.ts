// How much of what one connection brings is handled at once: a chunk whose messages are dear is handled in pieces, and others come in
// between. Cheap ones are handled whole, and cost two looks at a clock for each chunk of some size.

import type { Clock } from '../contracts/index.js';

/** Milliseconds that a chunk may take whole, and that a piece of one that takes more should take. Measured: test/bench/fairness.mjs. */
const WHOLE = 4;
const PIECE = 2;
/** Fewer bytes take no time worth measuring, and are not cut. */
const LEAST = 512;

export interface PiecesOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'defer'>;
  /** Handles some bytes. */
  readonly take: (bytes: Uint8Array) => void;
  /** There are bytes that wait: nothing more should be read. */
  readonly wait: () => void;
  /** There are none any more. */
  readonly goOn: () => void;
}

/** Of one connection. */
export class Pieces {
  readonly #options: PiecesOptions;
  /** Bytes at a time. */
  #size = Infinity;
  #rest: Uint8Array[] = [];
  #restBytes = 0;

  constructor(options: PiecesOptions) {
    this.#options = options;
  }

  /** Bytes that wait for their turn. */
  get pendingBytes(): number {
    return this.#restBytes;
  }

  /** @param chunk - may be written again by whoever brought it. */
  push(chunk: Uint8Array): void {
    if (this.#restBytes > 0) this.#keep(chunk);
    else if (chunk.length < LEAST) this.#options.take(chunk);
    else if (chunk.length <= this.#size) this.#measure(chunk);
    else {
      const size = this.#size;
      this.#keep(chunk.subarray(size));
      this.#options.wait();
      this.#defer();
      this.#measure(chunk.subarray(0, size));
    }
  }

  /** Handles what waits, now: nothing more will come. */
  finish(): void {
    const rest = this.#rest;
    this.drop();
    for (const bytes of rest) this.#options.take(bytes);
  }

  /** Forgets what waits. */
  drop(): void {
    this.#rest = [];
    this.#restBytes = 0;
  }

  // What was read while the rest of a chunk waits comes after it.
  #keep(bytes: Uint8Array): void {
    this.#rest.push(bytes.slice());
    this.#restBytes += bytes.length;
  }

  #defer(): void {
    this.#options.clock.defer(() => this.#next());
  }

  #next(): void {
    const [first] = this.#rest;
    if (first === undefined) return;
    const piece = first.subarray(0, this.#size);
    if (piece.length < first.length) this.#rest[0] = first.subarray(piece.length);
    else this.#rest.shift();
    this.#restBytes -= piece.length;
    const more = this.#restBytes > 0;
    if (more) this.#defer();
    this.#measure(piece);
    if (!more) this.#options.goOn();
  }

  #measure(bytes: Uint8Array): void {
    const { clock, take } = this.#options;
    const began = clock.monotonic();
    take(bytes);
    const took = clock.monotonic() - began;
    if (took > WHOLE) this.#size = Math.max(LEAST, Math.floor((bytes.length * PIECE) / took));
    // What was dear once need not stay so.
    else if (took < PIECE / 2 && bytes.length >= this.#size) this.#size *= 2;
    if (this.#size > 1 << 24) this.#size = Infinity;
  }
}
