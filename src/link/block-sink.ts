// Frames are written one after another into big blocks, so that what many messages of one turn have in common is
// one range of one buffer: a connection sends a merged range, and a fan-out shares the bytes.
//
// Blocks are used again from turn to turn while the connections let go of them (`Connection.releases`): that saves the
// garbage, and memory that was just written is in the processor's cache (docs/decisions/010-blocks-used-again.md).

import type { Sink } from './sink.js';

/** Doubled whenever a turn writes more: a client that says little holds little. */
const FIRST_BLOCK_BYTES = 16 * 1024;
const MAX_BLOCK_BYTES = 256 * 1024;
/** Larger frames get a block of their own. */
const MAX_SHARED_BYTES = MAX_BLOCK_BYTES / 2;

const NONE = new Uint8Array(0);

// Zeroing a block costs more than writing it. `Buffer` is Node's; a browser has only the zeroed kind.
function allocate(bytes: number): Uint8Array {
  return typeof Buffer === 'function' ? Buffer.allocUnsafeSlow(bytes) : new Uint8Array(bytes);
}

/** The sink of brokers, and of clients on Node. What was written is not touched before `endTurn(true)`. */
export class BlockSink implements Sink {
  block: Uint8Array = NONE;
  /** Where the next frame begins in `block`; after `commit` also where the last one ends. */
  position = 0;
  #shared: Uint8Array = NONE;
  #sharedPosition = 0;
  /** How often a new shared block had to be taken. */
  renewals = 0;
  /** Somebody may still need what is in the shared block. */
  #held = false;
  /** And will never say that it no longer does: the block is filled once, and left behind. */
  #given = false;

  /** Whether it is better to end the turn than to write on. */
  get crowded(): boolean {
    return this.position > MAX_SHARED_BYTES && !this.#held && !this.#given;
  }

  reserve(bytes: number): number {
    if (bytes <= this.block.length - this.position) return this.position;
    // A big frame gets a block of its own, and the shared one goes on being filled after it.
    if (this.block === this.#shared) this.#sharedPosition = this.position;
    if (bytes > MAX_SHARED_BYTES) {
      this.block = allocate(bytes);
      this.position = 0;
      return 0;
    }
    if (bytes > this.#shared.length - this.#sharedPosition) this.#renew(bytes);
    this.block = this.#shared;
    this.position = this.#sharedPosition;
    return this.position;
  }

  commit(bytes: number): void {
    this.position += bytes;
  }

  /** The last `length` bytes written, as bytes of their own: `slice` of a `Buffer` is a view, which would hold its block. */
  copyLast(length: number): Uint8Array {
    return new Uint8Array(this.block.subarray(this.position - length, this.position));
  }

  /**
   * Everything written so far was handed to its receivers.
   * @param released - none of them needs it any more, so that the memory may be written again.
   */
  endTurn(released: boolean): void {
    if (this.block === this.#shared) this.#sharedPosition = this.position;
    this.#held = !released;
    if (released && !this.#given) this.#sharedPosition = 0;
    this.block = this.#shared;
    this.position = this.#sharedPosition;
  }

  /** What is in the shared block now stays as it is for ever. */
  giveAway(): void {
    this.#given = true;
  }

  #renew(bytes: number): void {
    let size = Math.max(this.#shared.length, FIRST_BLOCK_BYTES);
    if (this.#shared !== NONE && !this.#held && !this.#given) size *= 2;
    while (size < bytes) size *= 2;
    this.#shared = allocate(Math.min(size, MAX_BLOCK_BYTES));
    this.#sharedPosition = 0;
    this.#held = this.#given = false;
    this.renewals++;
  }
}
