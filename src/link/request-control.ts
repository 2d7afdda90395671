// Names and bodies of requests that a client's broker answers to it alone (docs/protocol.md#feature-requests).

import type { ErrorBody } from './control.js';

/** `-control/request/<n>`, the number chosen by the client: `{op, ...}`. */
export const REQUEST_PREFIX = '-control/request/';
/** `-control/reply/<n>`: `{okay}` or `{error}`. */
export const REPLY_PREFIX = '-control/reply/';

export interface RequestBody {
  readonly op: string;
  readonly [argument: string]: unknown;
}

export type ReplyBody = { readonly okay: unknown } | { readonly error: ErrorBody };
