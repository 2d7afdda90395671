// One side speaks TLS and the other does not. Both would wait for the other, or read gibberish; the first bytes tell. No
// codec's stream can begin with them: one of text does not, and one of lengths begins with zero (docs/protocol.md).

import { SpokeError } from '../../contracts/index.js';

/** Why a connection is ended at its first bytes, and what the other side is told. */
export interface Mismatch {
  readonly error: SpokeError;
  readonly answer?: Uint8Array;
}

const ALERT = 0x15;
const HANDSHAKE = 0x16;
const MAJOR_VERSION = 3;
const CLIENT_HELLO = 1;

/** What TLS says to "we have no version in common": fatal alert 70, which every TLS client can name. */
export const NO_COMMON_VERSION: Uint8Array = Uint8Array.of(ALERT, MAJOR_VERSION, 1, 0, 2, 2, 70);

/** Whether a connection that begins with these bytes is TLS. */
export function isHandshake(first: Uint8Array): boolean {
  return first[0] === HANDSHAKE && first[1] === MAJOR_VERSION && first[5] === CLIENT_HELLO;
}

/** On an accepted plain connection: is that a TLS client? */
export function tlsClientOnPlainPort(first: Uint8Array, peer: string): Mismatch | undefined {
  if (!isHandshake(first)) return undefined;
  const text = `${peer} speaks TLS, and this is a plain port; it should connect with tcp://, or to a tls:// endpoint`;
  return { error: new SpokeError('MALFORMED', text, { details: { address: peer } }), answer: NO_COMMON_VERSION };
}

/** On a plain connection that this side made: does the server speak TLS? Ours answer a plain client with an alert. */
export function plainClientOnTlsPort(first: Uint8Array, server: string): Mismatch | undefined {
  const isAlert = first[0] === ALERT && first[1] === MAJOR_VERSION && first[3] === 0 && first[4] === 2;
  if (!isAlert) return undefined;
  const text = `${server} speaks TLS: connect with tls:// instead of tcp://`;
  return { error: new SpokeError('CONNECTION_LOST', text, { retryable: true, details: { address: server } }) };
}
