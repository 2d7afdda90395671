// TLS over TCP. Node's part of it is loaded when it is needed: programs that use no TLS start without it.

import type { Socket } from 'node:net';
import { connect as connectSocket, createServer } from 'node:net';
import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { DEFAULT_PORT } from '../endpoint.js';
import { handOver, report, requireNotAborted } from '../opening.js';
import { securePeer } from '../tls/certificate.js';
import { ClientContexts } from '../tls/contexts.js';
import type { TlsOptions } from '../tls/options.js';
import { TLS_PARAMS, tlsOptions } from '../tls/options.js';
import { SocketConnection } from './connection.js';
import { Doorstep } from './doorstep.js';
import { acceptFailed, connectFailed, connectTimedOut, listenFailed } from './errors.js';
import { boundTo, hostAndPort, remoteAddress, requireParams, SOCKET_OPTIONS } from './host-port.js';
import { INHERITED, inheritedFrom } from './inherited.js';
import { stopListening, untilListening, untilOpen } from './opening.js';

export interface TlsTransportOptions extends TlsOptions {
  /**
   * Milliseconds that an ending connection may make no progress before it is cut: the other side neither takes what is
   * queued nor ends as well. Default 5,000.
   */
  readonly closeTimeout?: number;
}

const DEFAULT_CLOSE_TIMEOUT = 5000;

/**
 * `tls://host:port?cert=FILE&key=FILE`. Hosts and ports are those of `tcp://`; `docs/transports.md#tls` has the options.
 */
export class TlsTransport implements Transport {
  readonly schemes: readonly string[] = ['tls'];
  readonly #options: TlsOptions;
  readonly #closeTimeout: number;
  readonly #contexts = new ClientContexts();

  /** @throws {TypeError} when `closeTimeout` is not a positive number. */
  constructor(options: TlsTransportOptions = {}) {
    const { closeTimeout = DEFAULT_CLOSE_TIMEOUT, ...tls } = options;
    if (!(closeTimeout > 0)) throw new TypeError('closeTimeout must be a positive number of milliseconds');
    this.#options = tls;
    this.#closeTimeout = closeTimeout;
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal, limits } = options;
    const { connectTimeout } = limits;
    const { host, port } = hostAndPort(address, { host: 'localhost', port: DEFAULT_PORT }, 'connect');
    requireParams(address, TLS_PARAMS);
    const tls = tlsOptions(address, this.#options);
    requireNotAborted(address, signal);
    const { secure } = await import('../tls/connect.js');
    const context = await this.#contexts.get(address, tls);
    requireNotAborted(address, signal);
    const deadline = performance.now() + connectTimeout;
    const raw = connectSocket({ ...SOCKET_OPTIONS, host, port });
    await untilOpen(raw, {
      address,
      signal,
      event: 'connect',
      timeout: connectTimeout,
      failed: (cause) => connectFailed(address, cause),
      timedOut: () => connectTimedOut(address, connectTimeout),
    });
    const timeout = deadline - performance.now();
    const socket = await secure(raw, { address, host, options: tls, context, signal, timeout, connectTimeout });
    // Nothing is read before `start`.
    socket.pause();
    const peer = { address: formatAddress({ scheme: 'tls', host, port }) };
    return new SocketConnection({ socket, peer, closeTimeout: this.#closeTimeout });
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, limits, onError } = options;
    const asked = hostAndPort(address, { host: '0.0.0.0', port: DEFAULT_PORT }, 'listen');
    requireParams(address, [...TLS_PARAMS, INHERITED]);
    const inherited = inheritedFrom(address);
    const tls = tlsOptions(address, this.#options);
    requireNotAborted(address, signal);
    const { secureServer, tlsGate, tlsServerOptions } = await import('../tls/accept.js');
    const secured = secureServer(await tlsServerOptions(address, tls, limits.connectTimeout));
    requireNotAborted(address, signal);
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    await untilListening(server, () => server.listen(inherited ?? asked), {
      address,
      signal,
      failed: (cause) => listenFailed(address, cause),
    });
    const where = formatAddress({ scheme: 'tls', ...boundTo(server, asked) });
    const doorstep = new Doorstep(limits.connectTimeout);
    const admit = tlsGate({ scheme: 'tls', server: secured, doorstep, onError });
    server.on('connection', (raw: Socket) => admit(raw));
    server.on('error', (error) => report(onError, acceptFailed(where, error)));
    secured.on('secureConnection', (socket) => {
      if (!doorstep.leave(socket)) {
        socket.destroy();
        return;
      }
      socket.pause();
      const peer = securePeer(socket, remoteAddress('tls', socket));
      handOver(new SocketConnection({ socket, peer, closeTimeout: this.#closeTimeout }), onConnection, onError);
    });
    let closed: Promise<void> | undefined;
    return {
      address: where,
      async reload() {
        secured.setSecureContext(await tlsServerOptions(address, tls, limits.connectTimeout));
      },
      close() {
        if (closed === undefined) {
          closed = stopListening(server);
          doorstep.close();
        }
        return closed;
      },
    };
  }
}
