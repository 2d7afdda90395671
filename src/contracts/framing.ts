// Framing cuts a byte stream into payloads. It knows nothing of what a payload means.

import type { SpokeError } from './errors.js';

/** Receives the payloads of one stream. */
export interface FrameHandler {
  /** One payload, without its framing, as a range of `bytes`. Read-only and valid only until the call returns. */
  frame(bytes: Uint8Array, start: number, end: number): void;
  /** A frame was dropped (`LIMIT_EXCEEDED`), and the stream is still in step: later frames arrive as usual. */
  refused(error: SpokeError): void;
}

/** Cuts one stream. Holds at most one unfinished frame, bounded by the limit it was made with. */
export interface Deframer {
  /**
   * Feeds bytes and calls the handler for each frame that is complete, in order. A declared length is checked
   * before anything is buffered.
   * @throws {SpokeError} `MALFORMED` or `LIMIT_EXCEEDED` when the stream is out of step. The deframer is dead then:
   *   every later call throws the same error. What the handler throws passes through.
   */
  push(chunk: Uint8Array, handler: FrameHandler): void;
  /** Bytes held of an unfinished frame. */
  readonly pendingBytes: number;
}

export interface Framing {
  /** For logs and documentation: `nul`, `length`. */
  readonly name: string;
  /** @param maxFrameBytes - largest payload, in bytes. */
  createDeframer(maxFrameBytes: number): Deframer;
}
