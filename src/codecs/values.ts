// What no codec can write, and how a publisher is told (docs/protocol.md#values).

import { SpokeError } from '../contracts/index.js';

/** @param cause - why, as an error or in words. */
export function notEncodable(cause: unknown): SpokeError {
  return new SpokeError('NOT_ENCODABLE', `the message cannot be written: ${String(cause)}`, { cause });
}

/**
 * Functions and symbols are nothing inside of a value; as a whole body, or as a member of a head, they are a mistake.
 * @throws {SpokeError} `NOT_ENCODABLE`
 */
export function requireValue(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') throw notEncodable(`a ${typeof value} is no value`);
}
