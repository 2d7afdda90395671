// TCP over Node's net module.

import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { connect as connectSocket, createServer } from 'node:net';
import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { DEFAULT_PORT } from '../endpoint.js';
import { handOver, report, requireNotAborted } from '../opening.js';
import type { SocketConnectionOptions } from './connection.js';
import { SocketConnection } from './connection.js';
import { acceptFailed, connectFailed, connectTimedOut, listenFailed } from './errors.js';
import { boundTo, hostAndPort, remoteAddress, requireParams, SOCKET_OPTIONS } from './host-port.js';
import { INHERITED, inheritedFrom } from './inherited.js';
import { plainClientOnTlsPort } from './mismatch.js';
import { stopListening, untilListening, untilOpen } from './opening.js';
import { adopt, canAdopt, Reading } from './reading.js';

export interface TcpTransportOptions {
  /**
   * Milliseconds that an ending connection may make no progress before it is cut: the other side neither takes what is
   * queued nor ends as well. Default 5,000.
   */
  readonly closeTimeout?: number;
}

const DEFAULT_CLOSE_TIMEOUT = 5000;
const READ_BUFFER_BYTES = 64 * 1024;

/** `tcp://host:port`. Without a host: all addresses of the machine to listen on, `localhost` to connect to. */
export class TcpTransport implements Transport {
  readonly schemes: readonly string[] = ['tcp'];
  readonly #closeTimeout: number;
  /**
   * Shared by all sockets. It is safe: a read and the callback that consumes it are one uninterrupted piece of the
   * event loop, whatever that callback does.
   */
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

  /** @throws {TypeError} when `closeTimeout` is not a positive number. */
  constructor(options: TcpTransportOptions = {}) {
    this.#closeTimeout = options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT;
    if (!(this.#closeTimeout > 0)) throw new TypeError('closeTimeout must be a positive number of milliseconds');
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal, limits } = options;
    const { host, port } = hostAndPort(address, { host: 'localhost', port: DEFAULT_PORT }, 'connect');
    requireParams(address, []);
    requireNotAborted(address, signal);
    const reading = new Reading(this.#readBuffer);
    const socket = connectSocket({ ...SOCKET_OPTIONS, host, port, onread: reading.onread });
    // Nothing is read before `start`.
    socket.pause();
    await untilOpen(socket, {
      address,
      signal,
      event: 'connect',
      timeout: limits.connectTimeout,
      failed: (cause) => connectFailed(address, cause),
      timedOut: () => connectTimedOut(address, limits.connectTimeout),
    });
    const peer = formatAddress({ scheme: 'tcp', host, port });
    return this.#connection({ socket, peer: { address: peer }, reading, inspect: plainClientOnTlsPort });
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, onError } = options;
    const { host, port } = hostAndPort(address, { host: '0.0.0.0', port: DEFAULT_PORT }, 'listen');
    requireParams(address, [INHERITED]);
    const inherited = inheritedFrom(address);
    requireNotAborted(address, signal);
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    await untilListening(server, () => server.listen(inherited ?? { host, port }), {
      address,
      signal,
      failed: (cause) => listenFailed(address, cause),
    });
    const where = formatAddress({ scheme: 'tcp', ...boundTo(server, { host, port }) });
    const adopting = canAdopt();
    server.on('connection', (socket) => handOver(this.#accept(socket, adopting), onConnection, onError));
    server.on('error', (error) => report(onError, acceptFailed(where, error)));
    let closed: Promise<void> | undefined;
    return {
      address: where,
      close() {
        closed ??= stopListening(server);
        return closed;
      },
    };
  }

  #accept(accepted: Socket, adopting: boolean): SocketConnection {
    const peer = { address: remoteAddress('tcp', accepted) };
    const reading = new Reading(this.#readBuffer);
    const adopted = adopting ? adopt(accepted, reading) : undefined;
    return adopted === undefined
      ? this.#connection({ socket: accepted, peer })
      : this.#connection({ socket: adopted, peer, reading });
  }

  #connection(options: Omit<SocketConnectionOptions, 'closeTimeout' | 'resets' | 'plain'>): SocketConnection {
    return new SocketConnection({ ...options, resets: true, plain: true, closeTimeout: this.#closeTimeout });
  }
}
