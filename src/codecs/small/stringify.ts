// Bodies to JSON text by the host's own means, and what JSON.stringify does not know (docs/protocol.md#values).

import { notEncodable } from '../values.js';

/** Newer hosts write a number from its text. */
const rawJson: unknown = Reflect.get(JSON, 'rawJSON');

/** @throws {SpokeError} `NOT_ENCODABLE` */
export function stringify(value: unknown): string {
  if (value === undefined) return 'null';
  try {
    const text = JSON.stringify(value, replace) ?? (typeof value === 'object' && 'null');
    if (text) return text;
  } catch (error) {
    throw notEncodable(error);
  }
  throw notEncodable(`a ${typeof value} is no value`);
}

function replace(this: unknown, key: string, given: unknown): unknown {
  // A Buffer, if a page has such, was asked for its toJSON before this.
  const sent: unknown = Reflect.get(Object(this), key);
  const value = ArrayBuffer.isView(sent) ? sent : given;
  if (value instanceof ArrayBuffer) return base64(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (typeof value !== 'bigint') return value;
  if (typeof rawJson === 'function') return Reflect.apply(rawJson, JSON, [String(value)]);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError('this browser cannot write so big an integer');
  return number;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
