// One side speaks TLS and the other does not: both would read gibberish, or wait for each other. The first bytes tell.

import { SpokeError } from '../../contracts/index.js';

const ALERT = 0x15;
const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const MAJOR_VERSION = 3;

/** What TLS says to "we have no version in common": fatal alert 70, which every TLS client can name. */
export const NO_COMMON_VERSION: Uint8Array = Uint8Array.of(ALERT, MAJOR_VERSION, 1, 0, 2, 2, 70);

/** Whether a connection that begins with these bytes is TLS. */
export function isHandshake(first: Uint8Array): boolean {
  return first[0] === HANDSHAKE && first[1] === MAJOR_VERSION && first[5] === CLIENT_HELLO;
}

/**
 * On a plain connection that this side made: does the server speak TLS? Ours answer a plain client with an alert. No codec's
 * stream can begin with one: text does not, and a length begins with zero (docs/protocol.md#framing).
 */
export function plainClientOnTlsPort(first: Uint8Array, server: string): SpokeError | undefined {
  const isAlert = first[0] === ALERT && first[1] === MAJOR_VERSION && first[3] === 0 && first[4] === 2;
  if (!isAlert) return undefined;
  const text = `${server} speaks TLS: connect with tls:// instead of tcp://`;
  return new SpokeError('CONNECTION_LOST', text, { retryable: true, details: { address: server } });
}
