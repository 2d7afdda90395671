// What the codes of WebSocket's closing handshake mean to us, and ours to others (RFC 6455, 7.4).

import type { CloseReason } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

/** How a connection ends, in the words of WebSocket. */
export interface Farewell {
  readonly code: number;
  readonly reason: string;
}

export const NORMAL = 1000;
export const GOING_AWAY = 1001;
const NO_CODE = 1005;
/** Not sent by anyone: the connection ended without a farewell. */
export const LOST = 1006;

const UNSUPPORTED_DATA = 1003;
const INVALID_DATA = 1007;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

/** The errors that are the other side's doing, and whose text it may read. */
const FAREWELLS: ReadonlyMap<string, number> = new Map([
  ['UNKNOWN_CODEC', UNSUPPORTED_DATA],
  ['MALFORMED', INVALID_DATA],
  ['FORBIDDEN', POLICY_VIOLATION],
  ['LIMIT_EXCEEDED', POLICY_VIOLATION],
  ['SLOW_CONSUMER', POLICY_VIOLATION],
  ['UNAUTHENTICATED', POLICY_VIOLATION],
]);

const NAMES: ReadonlyMap<number, string> = new Map([
  [1002, 'protocol error'],
  [UNSUPPORTED_DATA, 'unsupported data'],
  [INVALID_DATA, 'invalid data'],
  [POLICY_VIOLATION, 'refused'],
  [1009, 'message too big'],
  [INTERNAL_ERROR, 'internal error'],
  [1012, 'it restarts'],
  [1013, 'try again later'],
]);

const MAX_REASON_BYTES = 123;

/** What the other side is told when a connection is aborted. */
export function farewellOf(error: SpokeError): Farewell {
  const code = FAREWELLS.get(error.code);
  if (code === undefined) return { code: error.code === 'CLOSED' ? GOING_AWAY : INTERNAL_ERROR, reason: error.code };
  return { code, reason: cut(`${error.code}: ${error.message}`) };
}

/** Why a connection has ended that the other side ended, or that broke. */
export function reasonOf(peer: string, code: number, reason: string): CloseReason {
  if (code === NORMAL || code === GOING_AWAY || code === NO_CODE) return { by: 'remote' };
  const why =
    code === LOST
      ? 'the connection was lost'
      : `the other side ended the connection: ${NAMES.get(code) ?? 'code'} (${code})${reason === '' ? '' : `: ${reason}`}`;
  const error = new SpokeError('CONNECTION_LOST', `${peer}: ${why}`, {
    retryable: true,
    details: { address: peer, code },
  });
  return { by: 'error', error };
}

// Whole characters of at most so many bytes of UTF-8; an ASCII text is one byte each.
function cut(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_REASON_BYTES) return text;
  let end = MAX_REASON_BYTES;
  // Not in the middle of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return new TextDecoder().decode(bytes.subarray(0, end));
}
