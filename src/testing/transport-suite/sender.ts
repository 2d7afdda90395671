// A long stream of bytes: one end sends it, the other one checks it.

import { ByteStream } from './byte-stream.js';
import type { End } from './end.js';

/** Sends a stream of bytes in chunks of odd sizes, as fast as `send` and `drain` allow. */
export class Sender {
  readonly #stream: ByteStream;
  readonly #sizes: ByteStream;
  #left: number;

  constructor(seed: number, total: number) {
    this.#stream = new ByteStream(seed);
    this.#sizes = new ByteStream(seed + 1);
    this.#left = total;
  }

  /** Call it at the start and on every `drain`. */
  readonly go = (end: End): void => {
    while (this.#left > 0) {
      const size = Math.min(this.#left, this.#sizes.size(100_000));
      this.#left -= size;
      if (!end.send(this.#stream.take(size))) return;
    }
  };
}

/** A reaction to `data`: compares what arrives with the stream of this seed. */
export function checking(seed: number): (end: End, chunk: Uint8Array) => void {
  const expected = new ByteStream(seed);
  return (end, chunk) => {
    const position = expected.firstDifference(chunk);
    if (position >= 0) end.violations.push(`byte ${position} is not the one that was sent`);
  };
}
