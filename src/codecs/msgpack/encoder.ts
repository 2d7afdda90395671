// Values to msgpack, for programs: fast (docs/decisions/013-msgpack-encoder.md). Pages have another one, in less code.

import type { SpokeError } from '../../contracts/index.js';
import { notEncodable, requireValue } from '../values.js';
import { formOf } from './form.js';
import { MsgpackWriter } from './writer.js';

const NIL = 0xc0;
const FALSE = 0xc2;
const TRUE = 0xc3;

const PLAIN: unknown = Object.prototype;

type Members = Readonly<Record<string, unknown>>;

/** Writes one value after another into memory of its own. Not while it writes one: a getter or a `toJSON` is a stranger's code. */
export class MsgpackEncoder extends MsgpackWriter {
  /**
   * A whole body.
   * @returns the bytes, until it is used again.
   * @throws {SpokeError} `NOT_ENCODABLE`
   */
  body(value: unknown): Uint8Array {
    requireValue(value);
    this.clear();
    try {
      this.#value(value);
    } catch (error) {
      throw reasonOf(error);
    }
    return this.bytes;
  }

  /**
   * A whole head; its time comes last, as a float whether whole or not.
   * @returns the bytes, until it is used again.
   * @throws {SpokeError} `NOT_ENCODABLE`
   */
  head(members: ReadonlyMap<string, unknown>, time: number | undefined): Uint8Array {
    this.clear();
    try {
      this.map(members.size + (time === undefined ? 0 : 1));
      for (const [key, value] of members) this.#member(key, value);
    } catch (error) {
      throw reasonOf(error);
    }
    this.room();
    if (time !== undefined) {
      this.text('time');
      this.float(time);
    }
    return this.bytes;
  }

  #value(value: unknown): void {
    this.room();
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.number(value);
    else if (isObject(value)) this.#object(value);
    else if (typeof value === 'boolean') this.type(value ? TRUE : FALSE);
    else if (typeof value === 'bigint') this.bigint(value);
    else this.type(NIL);
  }

  #object(value: Members): void {
    // The plain ones first: they pay nothing for the others.
    if (Object.getPrototypeOf(value) === PLAIN && typeof value['toJSON'] !== 'function') this.#members(value);
    else if (Array.isArray(value) && !('toJSON' in value)) this.#items(value);
    else this.#form(formOf(value));
  }

  #form(form: unknown): void {
    if (form instanceof Uint8Array) this.binary(form);
    else if (form instanceof Date) this.timestamp(form.getTime());
    else if (Array.isArray(form)) this.#items(form);
    else if (isObject(form)) this.#members(form);
    else this.#value(form);
  }

  #members(value: Members): void {
    const keys = Object.keys(value);
    this.map(keys.length);
    for (const key of keys) this.#member(key, value[key]);
  }

  #member(key: string, value: unknown): void {
    this.room();
    this.text(key);
    this.#value(value);
  }

  #items(items: readonly unknown[]): void {
    const { length } = items;
    this.array(length);
    for (let i = 0; i < length; i++) this.#value(items[i]);
  }
}

function reasonOf(error: unknown): SpokeError {
  // What engines say when the stack is used up.
  const isStack = error instanceof RangeError && /call stack|recursion/.test(error.message);
  return notEncodable(isStack ? 'it contains itself, or nests too deep' : error);
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}
