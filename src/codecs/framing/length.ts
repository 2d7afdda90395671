// A length before each payload: four bytes, big-endian, below 16 MiB (docs/protocol.md#msgpack). So a stream begins with
// a zero byte, which no JSON stream does, and both can share a port.

import type { Deframer, FrameHandler, Framing } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

/** Bytes of the length. */
export const LENGTH_BYTES = 4;
/** Lengths stay below this. */
export const MAX_LENGTH = 2 ** 24;

const FIRST_CARRY_BYTES = 1024;
/** Frames up to this size get their room at once; for bigger ones room follows what has arrived, not what was promised. */
const TRUSTED_BYTES = 128 * 1024;
const KEPT_CARRY_BYTES = 16 * 1024;

const EMPTY = new Uint8Array(0);

class LengthDeframer implements Deframer {
  readonly #max: number;
  /** The beginning of an unfinished frame, its length included. */
  #carry: Uint8Array = EMPTY;
  #carried = 0;
  /** Bytes of a refused frame that are still to come. */
  #skip = 0;
  #feeding = false;
  #dead: SpokeError | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get pendingBytes(): number {
    return this.#carried;
  }

  push(chunk: Uint8Array, handler: FrameHandler): void {
    if (this.#dead !== undefined) throw this.#dead;
    if (this.#feeding) throw this.#die('an earlier chunk was not handled to its end');
    this.#feeding = true;
    let pos = this.#carried > 0 ? this.#finish(chunk, handler) : 0;
    const { length } = chunk;
    while (pos < length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, length - pos);
        this.#skip -= skipped;
        pos += skipped;
        continue;
      }
      if (chunk[pos] !== 0) throw this.#die(`a frame cannot have ${declared(chunk, pos)} bytes or more`);
      if (length - pos < LENGTH_BYTES) break;
      const size = lengthAt(chunk, pos);
      if (size > this.#max) {
        this.#refuse(size, handler);
        pos += LENGTH_BYTES;
        continue;
      }
      const end = pos + LENGTH_BYTES + size;
      if (end > length) break;
      handler.frame(chunk, pos + LENGTH_BYTES, end);
      pos = end;
    }
    if (pos < length) this.#append(chunk, pos, length);
    else if (this.#carried === 0 && this.#carry.length > KEPT_CARRY_BYTES) this.#carry = EMPTY;
    this.#feeding = false;
  }

  /** Goes on with the unfinished frame. Returns where in the chunk the next one begins. */
  #finish(chunk: Uint8Array, handler: FrameHandler): number {
    let pos = 0;
    if (this.#carried < LENGTH_BYTES) {
      pos = Math.min(LENGTH_BYTES - this.#carried, chunk.length);
      this.#append(chunk, 0, pos);
      if (this.#carried < LENGTH_BYTES) return pos;
      const size = lengthAt(this.#carry, 0);
      if (size > this.#max) {
        this.#carried = 0;
        this.#refuse(size, handler);
        return pos;
      }
    }
    const total = LENGTH_BYTES + lengthAt(this.#carry, 0);
    const end = Math.min(pos + total - this.#carried, chunk.length);
    this.#append(chunk, pos, end, total);
    if (this.#carried < total) return end;
    this.#carried = 0;
    handler.frame(this.#carry, LENGTH_BYTES, total);
    return end;
  }

  #append(chunk: Uint8Array, start: number, end: number, total = 0): void {
    const needed = this.#carried + end - start;
    if (needed > this.#carry.length) {
      const trusted = Math.min(total, TRUSTED_BYTES);
      const grown = new Uint8Array(
        Math.max(needed, trusted, Math.min(this.#carry.length * 2, total), FIRST_CARRY_BYTES),
      );
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried = needed;
  }

  #refuse(size: number, handler: FrameHandler): void {
    this.#skip = size;
    const text = `a message of ${size} bytes is larger than ${this.#max} (limits.messageBytes)`;
    handler.refused(new SpokeError('LIMIT_EXCEEDED', text, { details: { limit: this.#max, size } }));
  }

  #die(why: string): SpokeError {
    this.#carry = EMPTY;
    this.#carried = 0;
    this.#dead = new SpokeError('MALFORMED', `the stream is out of step: ${why}`);
    return this.#dead;
  }
}

function lengthAt(bytes: Uint8Array, pos: number): number {
  return ((bytes[pos + 1] ?? 0) << 16) | ((bytes[pos + 2] ?? 0) << 8) | (bytes[pos + 3] ?? 0);
}

function declared(bytes: Uint8Array, pos: number): number {
  return (bytes[pos] ?? 0) * MAX_LENGTH;
}

/** Payloads behind their lengths. One that is over the limit is skipped, and reported once; 16 MiB and more end the stream. */
export class LengthFraming implements Framing {
  readonly name = 'length';

  createDeframer(maxFrameBytes: number): Deframer {
    return new LengthDeframer(Math.min(maxFrameBytes, MAX_LENGTH - 1));
  }
}
