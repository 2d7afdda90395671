// Values to msgpack.

import { formOf } from '../msgpack/form.js';
import { utf8Bytes } from './put.js';

const FIRST_BYTES = 256;

/** Writes values one after another. */
export class MsgpackEncoder {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * @throws {RangeError} a bigint beyond 64 bits; from the stack: a cycle, or too deep.
   * @throws what `formOf` and getters throw.
   */
  value(value: unknown): void {
    if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'boolean') this.#unsigned(value ? 0xc3 : 0xc2, 1);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'object' && value !== null) this.#object(value);
    else this.#unsigned(0xc0, 1);
  }

  /** A number as a float, whole or not. */
  float(value: number): void {
    this.#unsigned(0xcb, 1);
    const at = this.#room(8);
    this.#view.setFloat64(at, value);
  }

  /** The beginning of a map. */
  map(size: number): void {
    if (size < 16) this.#unsigned(0x80 | size, 1);
    else this.#sized(0xde, size, 2);
  }

  #object(value: object): void {
    const form = formOf(value);
    if (form instanceof Date) this.#date(form.getTime());
    else if (form instanceof Uint8Array) this.#binary(form);
    else if (Array.isArray(form)) this.#array(form);
    else if (typeof form === 'object' && form !== null) {
      const entries = Object.entries(form);
      this.map(entries.length);
      for (const [key, member] of entries) {
        this.#text(key);
        this.value(member);
      }
    } else this.value(form);
  }

  #array(items: readonly unknown[]): void {
    if (items.length < 16) this.#unsigned(0x90 | items.length, 1);
    else this.#sized(0xdc, items.length, 2);
    for (const item of items) this.value(item);
  }

  #number(value: number): void {
    if ((value | 0) !== value && !(value >= 0 && value < 2 ** 32 && Number.isInteger(value))) this.float(value);
    else if (value >= -32 && value < 128) this.#unsigned(value, 1);
    else if (value >= 0) this.#sized(0xcc, value, 1);
    else if (value >= -128) this.#sized(0xd0, value & 0xff, 1);
    else {
      this.#unsigned(0xd2, 1);
      this.#unsigned(value, 4);
    }
  }

  #bigint(value: bigint): void {
    const negative = value < 0n;
    if ((negative ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) !== value) {
      throw new RangeError('a bigint beyond 64 bits');
    }
    this.#unsigned(negative ? 0xd3 : 0xcf, 1);
    const at = this.#room(8);
    this.#view.setBigUint64(at, value);
  }

  #text(text: string): void {
    const bytes = utf8Bytes(text);
    if (bytes.length < 32) this.#unsigned(0xa0 | bytes.length, 1);
    else this.#sized(0xd9, bytes.length, 1);
    this.#copy(bytes);
  }

  #binary(bytes: Uint8Array): void {
    this.#sized(0xc4, bytes.length, 1);
    this.#copy(bytes);
  }

  #copy(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** The longest form of a timestamp, which holds all dates. */
  #date(time: number): void {
    const seconds = Math.floor(time / 1000);
    for (const byte of [0xc7, 12, 0xff]) this.#unsigned(byte, 1);
    this.#unsigned((time - seconds * 1000) * 1e6, 4);
    const at = this.#room(8);
    this.#view.setBigInt64(at, BigInt(seconds));
  }

  /** A type whose forms differ in the width of a number: `type` is that of the narrowest, `width` bytes. */
  #sized(type: number, value: number, width: 1 | 2): void {
    let bytes: number = width;
    for (; value >= 2 ** (8 * bytes); bytes *= 2) type++;
    this.#unsigned(type, 1);
    this.#unsigned(value, bytes);
  }

  #unsigned(value: number, bytes: number): void {
    let at = this.#room(bytes);
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) this.#bytes[at++] = value >>> shift;
  }

  /** Takes so many bytes, and returns where they are. Call it first: it may move everything. */
  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
