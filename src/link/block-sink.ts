// Frames are written one after another into big blocks, so that what many messages of one turn have in common is
// one range of one buffer: a connection sends a merged range, and a fan-out shares the bytes.

import type { Sink } from './sink.js';

const BLOCK_BYTES = 64 * 1024;

// Zeroing a block costs more than writing it. `Buffer` is Node's; a browser has only the zeroed kind.
function allocate(bytes: number): Uint8Array {
  return typeof Buffer === 'function' ? Buffer.allocUnsafeSlow(bytes) : new Uint8Array(bytes);
}

/** The sink of brokers, and of clients on Node. Written ranges are never touched again; the garbage collector frees a block that nobody sends. */
export class BlockSink implements Sink {
  block: Uint8Array = allocate(BLOCK_BYTES);
  position = 0;
  #shared = this.block;
  #sharedPosition = 0;

  reserve(bytes: number): number {
    if (bytes <= this.block.length - this.position) return this.position;
    // A big frame gets a block of its own, and the shared one goes on being filled after it.
    if (this.block === this.#shared) this.#sharedPosition = this.position;
    if (bytes > BLOCK_BYTES >> 2) {
      this.block = allocate(bytes);
      this.position = 0;
      return 0;
    }
    if (bytes > BLOCK_BYTES - this.#sharedPosition) {
      this.#shared = allocate(BLOCK_BYTES);
      this.#sharedPosition = 0;
    }
    this.block = this.#shared;
    this.position = this.#sharedPosition;
    return this.position;
  }

  commit(bytes: number): void {
    this.position += bytes;
  }

  // `slice` of a `Buffer` is a view, which would hold its block.
  copyLast(length: number): Uint8Array {
    return new Uint8Array(this.block.subarray(this.position - length, this.position));
  }
}
