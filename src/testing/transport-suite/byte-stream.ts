// Bytes that nobody could deliver in the right order by chance.

import { Buffer } from 'node:buffer';

// A prime a little below 64 KiB: no buffer size and no sum of round numbers is a multiple of it, so whatever is lost,
// repeated or swapped shows. Whole runs of it are copied and compared, because byte by byte takes seconds under jest.
const PERIOD = 65_521;

/** An endless stream of bytes, the same for the same seed. */
export class ByteStream {
  readonly #period: Buffer;
  readonly #random: () => number;
  /** Bytes taken or compared so far. */
  position = 0;

  constructor(seed: number) {
    const random = randomBytes(seed);
    this.#random = random;
    this.#period = Buffer.from(Uint8Array.from({ length: PERIOD }, random));
  }

  /** The next bytes, in a buffer of their own. */
  take(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#eachRun(length, (run, offset) => bytes.set(run, offset));
    return bytes;
  }

  /** Compares the next bytes. Returns the position in the stream of the first that differs, or -1. */
  firstDifference(bytes: Uint8Array): number {
    const start = this.position;
    let difference = -1;
    this.#eachRun(bytes.length, (run, offset) => {
      const actual = bytes.subarray(offset, offset + run.length);
      if (difference >= 0 || run.equals(actual)) return;
      difference = start + offset + run.findIndex((byte, i) => byte !== actual[i]);
    });
    return difference;
  }

  /** A whole number from 1 to `max`, for sizes; takes nothing from the stream. */
  size(max: number): number {
    return 1 + (((this.#random() << 16) | (this.#random() << 8) | this.#random()) % max);
  }

  #eachRun(length: number, use: (run: Buffer, offset: number) => void): void {
    let offset = 0;
    while (offset < length) {
      const from = this.position % PERIOD;
      const run = this.#period.subarray(from, Math.min(PERIOD, from + length - offset));
      use(run, offset);
      offset += run.length;
      this.position += run.length;
    }
  }
}

function randomBytes(seed: number): () => number {
  // Taken out once: under jest, looking up a global costs more than the rest.
  const { imul } = Math;
  let state = seed >>> 0;
  return () => {
    state = (imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
}
