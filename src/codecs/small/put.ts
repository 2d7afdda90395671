// Bytes on their way out.

import type { FrameSink } from '../../contracts/index.js';

const encoder = new TextEncoder();

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes parts one after another as one frame, and returns its length. */
export function put(sink: FrameSink, ...parts: readonly Uint8Array[]): number {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  let at = sink.reserve(length);
  for (const part of parts) {
    sink.block.set(part, at);
    at += part.length;
  }
  sink.commit(length);
  return length;
}
