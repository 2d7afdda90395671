// What failed in somebody else's code, as an error that can be told to clients.

import { SpokeError } from '../contracts/index.js';

/** A store, say, may throw anything. */
export function asSpokeError(error: unknown): SpokeError {
  if (error instanceof SpokeError) return error;
  return new SpokeError('STORE_FAILED', error instanceof Error ? error.message : String(error), { cause: error });
}
