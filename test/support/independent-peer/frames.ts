// A stream cut at NUL, in the simplest way.

import { Buffer } from 'node:buffer';

/** Collects bytes and gives back the frames that are complete, without their NUL. */
export class Frames {
  /** The beginning of a frame whose end has not come. */
  rest: Buffer = Buffer.alloc(0);

  add(chunk: Uint8Array): Buffer[] {
    const frames: Buffer[] = [];
    this.rest = Buffer.concat([this.rest, chunk]);
    for (let end = this.rest.indexOf(0); end >= 0; end = this.rest.indexOf(0)) {
      frames.push(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(end + 1);
    }
    return frames;
  }
}

/** @throws {TypeError} when the bytes are not UTF-8. A byte order mark stays where it is. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
