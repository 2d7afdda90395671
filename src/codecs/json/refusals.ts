// How the reader says what is wrong with a message.

import type { Limits } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { excerpt } from '../excerpt.js';
import { TOO_DEEP } from './checker.js';

/** With the first bytes of the range as they are. */
export function malformed(what: string, bytes: Uint8Array, start: number, end: number): SpokeError {
  return new SpokeError('MALFORMED', `${what}: ${excerpt(bytes, start, end)}`);
}

/** For a negative result of `checkValue`, in a message that reaches from `start` to `end`. */
export function invalidValue(
  what: string,
  result: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Limits,
): SpokeError {
  if (result === TOO_DEEP) {
    return new SpokeError('LIMIT_EXCEEDED', `${what} nests deeper than ${limits.bodyDepth} levels (limits.bodyDepth)`, {
      details: { limit: limits.bodyDepth },
    });
  }
  const at = ~result;
  // The excerpt shows what led up to the place.
  const from = Math.max(start, at - 20);
  if (at >= end) return malformed(`${what} ends too early`, bytes, Math.max(start, end - 40), end);
  return malformed(`${what} is not valid JSON at byte ${at - start}`, bytes, from, end);
}
