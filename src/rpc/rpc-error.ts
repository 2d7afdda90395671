// What a procedure answered instead of a result.

import type { AnyErrorCode, SpokeErrorOptions } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/**
 * An error that keeps its code and its data on the way to the caller. Thrown by procedures; callers get one for every error
 * that a provider answered, with the code `REMOTE` when it gave none. Other failures of a call are a plain `SpokeError`.
 */
export class RpcError extends SpokeError {
  override readonly code: AnyErrorCode;
  /** Anything that a message can carry. `undefined` when there is none. */
  readonly data: unknown;

  /**
   * @param code - a name of your own, such as `OUT_OF_RANGE`: for programs, stable.
   * @param message - for people.
   * @param data - for programs; in the domain of the codec (docs/protocol.md#values).
   */
  constructor(code: string, message: string, data?: unknown, options?: SpokeErrorOptions) {
    super('REMOTE', message, options);
    this.code = code;
    this.data = data;
  }
}
