// What no codec can write, and how a publisher is told (docs/protocol.md#values).

import { SpokeError } from '../contracts/index.js';

/** @param cause - why, as an error or in words. */
export function notEncodable(cause: unknown): SpokeError {
  const text = cause instanceof Error ? cause.message : String(cause);
  // What engines say when the stack is used up.
  const why = /call stack|recursion/.test(text) ? 'it contains itself, or nests too deep' : text;
  return new SpokeError('NOT_ENCODABLE', `the message cannot be written: ${why}`, { cause });
}

/**
 * Functions and symbols are nothing inside of a value; as a whole body, or as a member of a head, they are a mistake.
 * @throws {SpokeError} `NOT_ENCODABLE`
 */
export function requireValue(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') throw notEncodable(`a ${typeof value} is no value`);
}
