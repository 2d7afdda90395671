// TLS on accepted sockets. The first byte is looked at before TLS is: who speaks something else is told so, in a way that
// it may understand, and one error tells the owner of the listener.

import type { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import type { TlsOptions as NodeTlsOptions, Server, TLSSocket } from 'node:tls';
import { createServer } from 'node:tls';
import type { Address, ListenOptions } from '../../contracts/index.js';
import { report } from '../opening.js';
import type { Doorstep } from '../tcp/doorstep.js';
import { remoteAddress } from '../tcp/host-port.js';
import { NO_COMMON_VERSION } from '../tcp/mismatch.js';
import { clientRefused, materialFailed, notTls } from './errors.js';
import { MaterialError, serverMaterial } from './material.js';
import type { TlsOptions } from './options.js';

const HANDSHAKE = 0x16;
const HTTP_REQUEST = /^[A-Z]+ \S+ HTTP\/1\.[01]\r?\n/;
const HTTP_ANSWER =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks TLS: https:// or wss://.\n';

export type { NodeTlsOptions };

/** Does handshakes for a `tlsGate`; it never listens itself. */
export function secureServer(options: NodeTlsOptions): Server {
  return createServer(options);
}

/** The options of `tls.createServer` or `https.createServer`, read and checked before anything is opened. */
export async function tlsServerOptions(
  address: Address,
  options: TlsOptions,
  handshakeTimeout: number,
): Promise<NodeTlsOptions> {
  const { requestCert = false, rejectUnauthorized = true } = options;
  try {
    return { ...(await serverMaterial(options)), requestCert, rejectUnauthorized, handshakeTimeout };
  } catch (error) {
    throw error instanceof MaterialError ? materialFailed('LISTEN_FAILED', address, error) : error;
  }
}

export interface Gate {
  readonly scheme: string;
  /** Does the handshakes; sockets are given to it one by one. */
  readonly server: Server;
  readonly doorstep: Doorstep;
  readonly onError: ListenOptions['onError'];
}

/**
 * @returns what is to be done with each accepted socket. Whoever gets through is the server's `secureConnection`.
 */
export function tlsGate(gate: Gate): (raw: Socket) => void {
  const { scheme, server, doorstep, onError } = gate;
  server.on('tlsClientError', (cause: Error, socket: TLSSocket) => {
    socket.destroy();
    // Whoever closed the listener knows.
    if (!doorstep.isClosed) report(onError, clientRefused(addressOf(scheme, socket), cause, socket.authorizationError));
  });
  server.on('secureConnection', (socket) => {
    socket.allowHalfOpen = true;
  });
  return (raw) => {
    // Whatever happens to it before TLS stands is told by `tlsClientError`, or is nothing to tell.
    raw.on('error', () => raw.destroy());
    if (!doorstep.enter(raw)) return;
    const onEnd = () => raw.destroy();
    raw.once('end', onEnd);
    raw.once('data', (first: Buffer) => {
      raw.removeListener('end', onEnd);
      if (first[0] === HANDSHAKE) {
        raw.pause();
        raw.unshift(first);
        // Who ends in the middle of the handshake has ended. The TLS socket takes this over.
        raw.allowHalfOpen = false;
        server.emit('connection', raw);
        return;
      }
      const isHttp = HTTP_REQUEST.test(first.toString('latin1'));
      report(onError, notTls(remoteAddress(scheme, raw), isHttp ? 'an HTTP request' : 'no TLS'));
      raw.end(isHttp ? HTTP_ANSWER : NO_COMMON_VERSION);
      // Reads on to the other side's end, so that the answer is not lost to a reset; the doorstep's time limit holds.
      raw.resume();
    });
    raw.resume();
  };
}

// A TLS socket that has ended no longer knows its other side. The socket below it does; Node has no public name for it.
function addressOf(scheme: string, socket: TLSSocket): string {
  const below: unknown = Reflect.get(socket, '_parent');
  return remoteAddress(scheme, socket.remoteAddress === undefined && below instanceof Socket ? below : socket);
}
