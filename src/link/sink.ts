// Where a client's frames are written.

import type { FrameSink } from '../contracts/index.js';

/** A sink that knows what was written to it last. */
export interface Sink extends FrameSink {
  /** Where the next frame begins in `block`; after `commit` also where the last one ends. */
  readonly position: number;
  /** The last `length` bytes written, as bytes of their own. */
  copyLast(length: number): Uint8Array;
}

/** Gives each frame memory of its own: enough where frames are not joined. */
export class PlainSink implements Sink {
  block = new Uint8Array(0);
  position = 0;

  reserve(bytes: number): number {
    this.block = new Uint8Array(bytes);
    return 0;
  }

  commit(bytes: number): void {
    this.position = bytes;
  }

  copyLast(length: number): Uint8Array {
    return this.block.subarray(this.position - length, this.position);
  }
}
