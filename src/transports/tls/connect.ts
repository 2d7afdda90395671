// TLS on a connection that this side made.

import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import type { Address } from '../../contracts/index.js';
import { connectTimedOut } from '../tcp/errors.js';
import { untilOpen } from '../tcp/opening.js';
import { handshakeFailed } from './errors.js';
import type { TlsOptions } from './options.js';

/** What TLS takes on top of a connection. */
export interface TlsConnecting {
  readonly options: TlsOptions;
  readonly context: SecureContext;
}

export interface Securing extends TlsConnecting {
  readonly address: Address;
  readonly host: string;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds left. */
  readonly timeout: number;
  /** limits.connectTimeout, for the text of the error. */
  readonly connectTimeout: number;
}

/** Sets up TLS on a connected socket, which is destroyed when that fails. */
export async function secure(raw: Socket, securing: Securing): Promise<TLSSocket> {
  const { address, host, options, context, signal, timeout, connectTimeout } = securing;
  const { servername = host, rejectUnauthorized = true } = options;
  // What happens to it is told by the TLS socket on top of it.
  raw.on('error', () => {});
  const socket = connect({
    secureContext: context,
    socket: raw,
    host: servername,
    // TLS names hosts, never addresses; the certificate is compared with `host` all the same.
    ...(isIP(servername) === 0 && { servername }),
    rejectUnauthorized,
  });
  await untilOpen(socket, {
    address,
    signal,
    event: 'secureConnect',
    timeout,
    failed: (cause) => handshakeFailed(address, servername, cause),
    timedOut: () => connectTimedOut(address, connectTimeout),
  });
  return socket;
}
