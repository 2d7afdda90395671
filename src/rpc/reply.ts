// What a provider answers: `{"okay": value}`, or `{"error": "text"}` with a code and data perhaps.

import { textOf } from '../client/index.js';
import { SpokeError, withCode } from '../contracts/index.js';
import { RpcError } from './rpc-error.js';

export type Reply =
  | { readonly okay: unknown; readonly parts?: number }
  | { readonly error: string; readonly code?: string; readonly data?: unknown };

/** As it comes. */
interface ReplyMembers {
  readonly okay?: unknown;
  readonly error?: unknown;
  readonly code?: unknown;
  readonly data?: unknown;
  readonly by?: unknown;
}

/** What a procedure threw, as a reply. @param stack - whether the stack goes with it. */
export function errorReply(thrown: unknown, stack = false): Reply {
  const error = textOf(thrown);
  if (thrown instanceof RpcError) {
    const { code, data } = thrown;
    return { error, code, ...(data !== undefined && { data }) };
  }
  // These two speak of another call: that nobody provides something else says nothing of this procedure.
  const own = thrown instanceof SpokeError && thrown.code !== 'NO_PROVIDER' && thrown.code !== 'PROVIDER_LOST';
  return {
    error,
    ...(own && { code: thrown.code }),
    ...(stack && thrown instanceof Error && { data: { stack: thrown.stack } }),
  };
}

/**
 * The value of a reply.
 * @throws {RpcError} what the provider answered.
 * @throws {SpokeError} what the broker answered; `REPLY_MALFORMED` when it is neither.
 */
export function readReply(procedure: string, body: unknown): unknown {
  const { okay, error, code, data, by }: ReplyMembers = body ?? {};
  if (okay !== undefined && error === undefined) return okay;
  const details = { procedure };
  if (error !== undefined) {
    const text = typeof error === 'string' ? error : JSON.stringify(error);
    const known = typeof code === 'string' ? code : 'REMOTE';
    throw by === undefined
      ? new RpcError(known, text, data, { details })
      : withCode(known, text, { details, retryable: known !== 'FORBIDDEN' });
  }
  throw new SpokeError('REPLY_MALFORMED', `${procedure} answered with neither "okay" nor "error"`, { details });
}
