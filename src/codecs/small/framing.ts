// Both framings in little code. A WebSocket hands out whole messages, nearly always: what is unfinished is simply put in
// front of what comes next.

import type { Deframer, FrameHandler, Framing } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { exceeded } from '../head-rules.js';
import { malformed } from './head.js';

const LENGTH_BYTES = 4;

abstract class SmallDeframer implements Deframer {
  protected readonly max: number;
  #held = new Uint8Array(0);
  #dead: SpokeError | undefined;

  constructor(max: number) {
    this.max = max;
  }

  get pendingBytes(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array, handler: FrameHandler): void {
    if (this.#dead !== undefined) throw this.#dead;
    const { length } = this.#held;
    let bytes = chunk;
    if (length > 0) {
      bytes = new Uint8Array(length + chunk.length);
      bytes.set(this.#held);
      bytes.set(chunk, length);
    }
    try {
      this.#held = bytes.slice(this.cut(bytes, length, handler));
    } catch (error) {
      // Also when the handler threw: the rest of the chunk is lost.
      this.#dead = error instanceof SpokeError ? error : malformed(error);
      throw error;
    }
  }

  /**
   * Hands on what is complete, and returns where the rest begins.
   * @param known - so many bytes were there before.
   */
  protected abstract cut(bytes: Uint8Array, known: number, handler: FrameHandler): number;

  protected refuse(handler: FrameHandler, size: number): void {
    handler.refused(exceeded('a message has', size, 'messageBytes', this.max, 'bytes'));
  }
}

class NulDeframer extends SmallDeframer {
  #skipping = false;

  protected cut(bytes: Uint8Array, known: number, handler: FrameHandler): number {
    let start = 0;
    for (let end = bytes.indexOf(0, known); end >= 0; end = bytes.indexOf(0, start)) {
      if (this.#skipping) this.#skipping = false;
      else if (end - start > this.max) this.refuse(handler, end - start);
      else handler.frame(bytes, start, end);
      start = end + 1;
    }
    if (!this.#skipping && bytes.length - start > this.max) {
      this.#skipping = true;
      this.refuse(handler, bytes.length - start);
    }
    return this.#skipping ? bytes.length : start;
  }
}

class LengthDeframer extends SmallDeframer {
  /** Bytes of a refused frame that are still to come. */
  #skip = 0;

  protected cut(bytes: Uint8Array, _known: number, handler: FrameHandler): number {
    for (let at = 0; ;) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      this.#skip -= skipped;
      at += skipped;
      const [first, a = 0, b = 0, c] = bytes.subarray(at, at + LENGTH_BYTES);
      if (first !== undefined && first !== 0) throw malformed('the stream is out of step');
      if (c === undefined) return at;
      const size = (a << 16) | (b << 8) | c;
      const end = at + LENGTH_BYTES + size;
      if (size > this.max) {
        this.refuse(handler, size);
        this.#skip = size;
        at += LENGTH_BYTES;
      } else if (end > bytes.length) return at;
      else {
        handler.frame(bytes, at + LENGTH_BYTES, end);
        at = end;
      }
    }
  }
}

export const NUL_FRAMING: Framing = {
  name: 'nul',
  createDeframer: (max) => new NulDeframer(max),
};

export const LENGTH_FRAMING: Framing = {
  name: 'length',
  createDeframer: (max) => new LengthDeframer(max),
};
