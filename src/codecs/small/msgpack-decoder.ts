// Msgpack to values: all of our value domain, and nothing else (docs/protocol.md#msgpack).

import { malformed } from './head.js';

// Not strict: texts are what their sender made of them.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads values one after another. */
export class MsgpackDecoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next value begins. */
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Shares no memory with the bytes.
   * @throws {SpokeError} `MALFORMED`
   * @throws {Error} when it reaches past the end of the bytes; from the stack when it nests too deep.
   */
  value(): unknown {
    const type = this.unsigned(1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f);
    if (type < 0xa0) return this.#array(type & 0x0f);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    // What follows the type has 1, 2, 4 or 8 bytes, by its last bits.
    const width = 1 << (type & 3);
    if (type < 0xc4) {
      if (type === 0xc0) return null;
      if (type > 0xc1) return type === 0xc3;
    } else if (type < 0xc7) return this.#take(this.unsigned(width)).slice();
    else if (type === 0xc7) return this.#timestamp(this.unsigned(1));
    else if (type === 0xca) return this.#view.getFloat32(this.#skip(4));
    else if (type === 0xcb) return this.#view.getFloat64(this.#skip(8));
    else if (type === 0xcf) return numberIfSafe(this.#view.getBigUint64(this.#skip(8)));
    else if (type === 0xd3) return numberIfSafe(this.#view.getBigInt64(this.#skip(8)));
    else if (type > 0xcb && type < 0xcf) return this.unsigned(width);
    else if (type > 0xcf && type < 0xd3) return signed(this.unsigned(width), width);
    else if (type === 0xd6 || type === 0xd7) return this.#timestamp(width);
    else if (type > 0xdd) return this.#map(this.unsigned(width >> 1));
    else if (type > 0xdb) return this.#array(this.unsigned(2 * width));
    else if (type > 0xd8) return this.#text(this.unsigned(width >> 1));
    throw malformed(`msgpack type ${type}`);
  }

  unsigned(bytes: number): number {
    let value = 0;
    for (const byte of this.#take(bytes)) value = value * 256 + byte;
    return value;
  }

  #text(length: number): string {
    return decoder.decode(this.#take(length));
  }

  #array(length: number): unknown[] {
    this.#expect(length);
    return Array.from({ length }, () => this.value());
  }

  /** By `fromEntries`, to which `__proto__` is a key like any other. */
  #map(length: number): object {
    this.#expect(length);
    return Object.fromEntries(Array.from({ length }, () => [this.#key(), this.value()]));
  }

  /** A text or an integer. */
  #key(): string {
    const type = this.#bytes[this.position];
    const key = this.value();
    if (typeof key === 'string') return key;
    if (type === 0xca || type === 0xcb || (typeof key !== 'number' && typeof key !== 'bigint'))
      throw malformed('a key');
    return String(key);
  }

  // A member takes a byte at least, so a count cannot promise more than there is.
  #expect(members: number): void {
    if (members > this.#bytes.length - this.position) throw malformed('it is too short');
  }

  #timestamp(length: number): Date {
    if (this.unsigned(1) !== 0xff || (length !== 4 && length !== 8 && length !== 12)) throw malformed('an extension');
    if (length === 4) return new Date(this.unsigned(4) * 1000);
    const nanoseconds = this.unsigned(4);
    if (length === 12) return dateOf(Number(this.#view.getBigInt64(this.#skip(8))), nanoseconds);
    // 30 bits of nanoseconds, 34 of seconds.
    return dateOf((nanoseconds & 3) * 2 ** 32 + this.unsigned(4), nanoseconds >>> 2);
  }

  #take(length: number): Uint8Array {
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  #skip(bytes: number): number {
    this.#expect(bytes);
    const at = this.position;
    this.position += bytes;
    return at;
  }
}

function dateOf(seconds: number, nanoseconds: number): Date {
  return new Date(seconds * 1000 + nanoseconds / 1e6);
}

function signed(value: number, bytes: number): number {
  return value < 2 ** (8 * bytes - 1) ? value : value - 2 ** (8 * bytes);
}

function numberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
