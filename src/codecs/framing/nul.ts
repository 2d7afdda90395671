// Messages that end with a zero byte: the framing of the existing network (docs/protocol.md#framing).
// JSON never holds a raw zero byte, so a stream can be cut without looking at anything else.

import type { Deframer, FrameHandler, Framing } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { findByte } from '../text.js';

const FIRST_CARRY_BYTES = 1024;
/** What an unfinished frame may leave allocated when it is done, and the most that is allocated on a guess. */
const KEPT_CARRY_BYTES = 16 * 1024;
const GUESSED_CARRY_BYTES = 128 * 1024;

const EMPTY = new Uint8Array(0);

class NulDeframer implements Deframer {
  readonly #max: number;
  /** The beginning of a frame whose end has not arrived. */
  #carry: Uint8Array = EMPTY;
  #carried = 0;
  /** Size of the last frame that was carried: streams of big messages get room at once instead of doubling up to it. */
  #lastCarried = 0;
  /** Inside a frame that was refused: everything up to its end is dropped. */
  #skipping = false;
  /** Set while a chunk is handed out; still set afterwards only when the handler threw and the rest was lost. */
  #feeding = false;
  #dead: SpokeError | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get pendingBytes(): number {
    return this.#carried;
  }

  push(chunk: Uint8Array, handler: FrameHandler): void {
    if (this.#feeding) throw this.#outOfStep();
    this.#feeding = true;
    let start = 0;
    let end = findByte(chunk, 0, 0);
    if ((this.#carried > 0 || this.#skipping) && end >= 0) {
      this.#finish(chunk, end, handler);
      start = end + 1;
      end = findByte(chunk, 0, start);
    }
    const max = this.#max;
    while (end >= 0) {
      if (end - start <= max) handler.frame(chunk, start, end);
      else handler.refused(tooLarge(max));
      start = end + 1;
      end = findByte(chunk, 0, start);
    }
    if (start < chunk.length) this.#hold(chunk, start, handler);
    // An idle connection should not sit on the buffer of its last big message.
    else if (this.#carry.length > KEPT_CARRY_BYTES) this.#carry = EMPTY;
    this.#feeding = false;
  }

  /** Completes the unfinished frame with the chunk's bytes up to `end`. */
  #finish(chunk: Uint8Array, end: number, handler: FrameHandler): void {
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    const size = this.#carried + end;
    if (size > this.#max) {
      this.#carried = 0;
      handler.refused(tooLarge(this.#max));
      return;
    }
    this.#append(chunk, 0, end);
    this.#carried = 0;
    this.#lastCarried = size;
    handler.frame(this.#carry, 0, size);
  }

  /** Keeps the beginning of a frame, or gives it up when it is too long already. */
  #hold(chunk: Uint8Array, start: number, handler: FrameHandler): void {
    if (this.#skipping) return;
    if (this.#carried + chunk.length - start > this.#max) {
      this.#carried = 0;
      this.#carry = EMPTY;
      this.#skipping = true;
      handler.refused(tooLarge(this.#max));
      return;
    }
    this.#append(chunk, start, chunk.length);
  }

  #append(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#carried + end - start;
    if (needed > this.#carry.length) this.#grow(needed);
    this.#carry.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.#carried);
    this.#carried = needed;
  }

  #grow(needed: number): void {
    const guess = Math.min(this.#lastCarried, GUESSED_CARRY_BYTES);
    const room = Math.max(needed, this.#carry.length * 2, guess, FIRST_CARRY_BYTES);
    const carry = new Uint8Array(Math.min(room, this.#max));
    carry.set(this.#carry.subarray(0, this.#carried));
    this.#carry = carry;
  }

  #outOfStep(): SpokeError {
    this.#dead ??= new SpokeError(
      'MALFORMED',
      'the stream is out of step: an earlier chunk was not handled to its end',
    );
    return this.#dead;
  }
}

function tooLarge(max: number): SpokeError {
  return new SpokeError('LIMIT_EXCEEDED', `a message is larger than ${max} bytes (limits.messageBytes)`, {
    details: { limit: max },
  });
}

/**
 * Payloads separated by zero bytes. Two in a row are an empty payload, which is handed on like any other: what it
 * means is the codec's affair. A payload longer than the limit is skipped up to its end and reported once.
 * When the handler throws, the rest of that chunk is lost and the deframer is dead.
 */
export class NulFraming implements Framing {
  readonly name = 'nul';

  createDeframer(maxFrameBytes: number): Deframer {
    return new NulDeframer(maxFrameBytes);
  }
}
