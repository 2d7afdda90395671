// TCP over Node's net module.

import { Buffer } from 'node:buffer';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect as connectSocket, createServer } from 'node:net';
import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { DEFAULT_PORT } from '../endpoint.js';
import { handOver, report, requireNotAborted } from '../opening.js';
import { SocketConnection } from './connection.js';
import { acceptFailed, connectFailed, connectTimedOut, listenFailed } from './errors.js';
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
// Finds out, in minutes, that the other machine is gone. Messages leave at once: they are coalesced a floor above.
const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

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
    const { host, port } = hostAndPort(address, 'localhost');
    if (port === 0) throw new SpokeError('ADDRESS_INVALID', `${address.href}: port 0 cannot be connected to`);
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
    return this.#connection(socket, formatAddress({ scheme: 'tcp', host, port }), reading);
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, onError } = options;
    const { host, port } = hostAndPort(address, '0.0.0.0');
    requireNotAborted(address, signal);
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    await untilListening(server, () => server.listen({ host, port }), {
      address,
      signal,
      failed: (cause) => listenFailed(address, cause),
    });
    const where = formatAddress({ scheme: 'tcp', ...boundTo(server, host, port) });
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
    const { remoteAddress, remotePort } = accepted;
    // Both are missing when the other side is gone already.
    const peer = formatAddress({
      scheme: 'tcp',
      host: remoteAddress ?? 'unknown',
      ...(remotePort !== undefined && { port: remotePort }),
    });
    if (!adopting) return this.#connection(accepted, peer);
    const reading = new Reading(this.#readBuffer);
    const socket = adopt(accepted, reading);
    return socket === undefined ? this.#connection(accepted, peer) : this.#connection(socket, peer, reading);
  }

  #connection(socket: Socket, address: string, reading?: Reading): SocketConnection {
    const closeTimeout = this.#closeTimeout;
    return new SocketConnection({ socket, address, closeTimeout, ...(reading !== undefined && { reading }) });
  }
}

function hostAndPort(address: Address, defaultHost: string): { host: string; port: number } {
  if (address.path.length > 1) {
    throw new SpokeError('ADDRESS_INVALID', `${address.href}: a TCP address ends with its port; it has no path`);
  }
  const [param] = address.params.keys();
  if (param !== undefined) {
    throw new SpokeError('ADDRESS_INVALID', `${address.href}: a TCP address has no parameter ${JSON.stringify(param)}`);
  }
  return { host: address.host || defaultHost, port: address.port ?? DEFAULT_PORT };
}

function boundTo(server: Server, host: string, port: number): { host: string; port: number } {
  const bound: AddressInfo | string | null = server.address();
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : { host, port };
}
