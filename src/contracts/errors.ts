// The one error class of the framework. Codes are stable and may be matched on; texts may change.

/** Every code a `SpokeError` can carry; `docs/errors.md` says for each what happened and what to do. */
export const SPOKE_ERROR_CODES = [
  'ABORTED',
  'ADDRESS_IN_USE',
  'ADDRESS_INVALID',
  'CLOSED',
  'CONNECTION_LOST',
  'CONNECT_FAILED',
  'DUPLICATE',
  'FORBIDDEN',
  'HANDLER_FAILED',
  'LIMIT_EXCEEDED',
  'LISTEN_FAILED',
  'MALFORMED',
  'NOT_ENCODABLE',
  'NO_PROVIDER',
  'PROVIDER_LOST',
  'QUEUE_FULL',
  'REMOTE',
  'REPLY_MALFORMED',
  'SAME_BROKER',
  'SLOW_CONSUMER',
  'STORE_FAILED',
  'TIMEOUT',
  'TIME_INVALID',
  'UNAUTHENTICATED',
  'UNKNOWN_CODEC',
  'UNKNOWN_SCHEME',
  'UNSUPPORTED',
  'VALIDATION',
] as const;

export type SpokeErrorCode = (typeof SPOKE_ERROR_CODES)[number];

/** Codes of remote procedures are their authors' (`RpcError`), and a newer broker may have codes of its own. */
export type AnyErrorCode = SpokeErrorCode | (string & Record<never, never>);

export interface SpokeErrorOptions {
  /** What this error was made from. */
  cause?: unknown;
  /** Whether the same operation may succeed when tried again unchanged. Default `false`. */
  retryable?: boolean;
  /** Where it happened: endpoint, channel, connection; plain values only, they go into logs and onto the wire. */
  details?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Something that went wrong in the network, in a peer or in the use of a resource.
 * Wrong use of the API (an argument of the wrong type) is a plain `TypeError` instead.
 */
export class SpokeError extends Error {
  override readonly name = 'SpokeError';
  readonly code: AnyErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: SpokeErrorCode, message: string, options: SpokeErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** An error that was received: its code is whatever the other side says. */
export function withCode(code: AnyErrorCode, message: string, options: SpokeErrorOptions): SpokeError {
  return Object.assign(new SpokeError('REMOTE', message, options), { code });
}
