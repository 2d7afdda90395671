// Unix sockets over Node's net module: the system's own way between processes of one machine.

import { Buffer } from 'node:buffer';
import { connect as connectSocket } from 'node:net';
import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { requireNotAborted } from '../opening.js';
import { SocketConnection } from '../tcp/connection.js';
import { INHERITED, inheritedFrom } from '../tcp/inherited.js';
import { requireParams } from '../tcp/host-port.js';
import { untilOpen } from '../tcp/opening.js';
import { Reading } from '../tcp/reading.js';
import { unixAddress } from './address.js';
import { connectFailed, connectTimedOut } from './errors.js';
import type { UnixListening } from './listening.js';

export interface UnixTransportOptions {
  /**
   * Permissions of the socket file where the URL has no `?mode=`: who may connect needs to write (`0o660`: owner and
   * group). Default: what the process's umask leaves, mostly the owner alone.
   */
  readonly mode?: number;
  /**
   * Milliseconds that an ending connection may make no progress before it is cut: the other side neither takes what is
   * queued nor ends as well. Default 5,000.
   */
  readonly closeTimeout?: number;
}

const DEFAULT_CLOSE_TIMEOUT = 5000;
const READ_BUFFER_BYTES = 64 * 1024;
const SOCKET_OPTIONS = { allowHalfOpen: true } as const;

/**
 * `unix:///run/spoke.sock`, or `unix://./spoke.sock` from the working directory. A file that a dead listener has left
 * behind is replaced. `docs/transports.md#unix` has the whole of it.
 */
export class UnixTransport implements Transport {
  readonly schemes: readonly string[] = ['unix'];
  readonly #mode: number | undefined;
  readonly #closeTimeout: number;
  /** Shared by all sockets, as in TCP. */
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  #listening: Promise<UnixListening> | undefined;

  /** @throws {TypeError} when `mode` is not a permission, or `closeTimeout` not a positive number. */
  constructor(options: UnixTransportOptions = {}) {
    const { mode, closeTimeout = DEFAULT_CLOSE_TIMEOUT } = options;
    if (!(closeTimeout > 0)) throw new TypeError('closeTimeout must be a positive number of milliseconds');
    if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= 0o777)) {
      throw new TypeError('mode must be a permission from 0 to 0o777');
    }
    this.#mode = mode;
    this.#closeTimeout = closeTimeout;
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal, limits } = options;
    const { path } = unixAddress(address);
    requireNotAborted(address, signal);
    const reading = new Reading(this.#readBuffer);
    const socket = connectSocket({ ...SOCKET_OPTIONS, path, onread: reading.onread });
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
    const peer = { address: formatAddress({ scheme: 'unix', path }) };
    return new SocketConnection({ socket, peer, plain: true, closeTimeout: this.#closeTimeout, reading });
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal } = options;
    const inherited = inheritedFrom(address);
    if (inherited !== undefined) requireParams(address, [INHERITED]);
    const where = inherited ?? { mode: this.#mode, ...unixAddress(address) };
    requireNotAborted(address, signal);
    this.#listening ??= import('./listening.js').then(
      ({ UnixListening }) => new UnixListening(this.#readBuffer, this.#closeTimeout),
    );
    const listening = await this.#listening;
    requireNotAborted(address, signal);
    return listening.listen(address, where, onConnection, options);
  }
}
