// Unix sockets over Node's net module: the system's own way between processes of one machine.

import { Buffer } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { chmodSync, existsSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect as connectSocket, createServer } from 'node:net';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type {
  Address,
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  PeerInfo,
  SpokeError,
  Transport,
} from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { handOver, report, requireNotAborted } from '../opening.js';
import { SocketConnection } from '../tcp/connection.js';
import { acceptFailed, systemCode, textOf } from '../tcp/errors.js';
import { stopListening, untilListening, untilOpen } from '../tcp/opening.js';
import { adopt, canAdopt, Reading } from '../tcp/reading.js';
import type { UnixAddress } from './address.js';
import { unixAddress } from './address.js';
import { CredentialsReader } from './credentials.js';
import { addressInUse, connectFailed, connectTimedOut, listenFailed } from './errors.js';
import { keepForeign, look, occupantOf, removeStale } from './socket-file.js';

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
/** Owner only: while the file is made it lets in nobody who is not let in afterwards. */
const STRICT_UMASK = 0o177;
/** How often a stale file is removed before somebody else must be making them. */
const ATTEMPTS = 3;

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
  readonly #credentials = new CredentialsReader();

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
    return this.#connection(socket, { address: formatAddress({ scheme: 'unix', path }) }, reading);
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, onError } = options;
    const { path, mode = this.#mode } = unixAddress(address);
    requireNotAborted(address, signal);
    const server = await bind(address, { path, mode }, signal);
    const file = look(path);
    const where = formatAddress({ scheme: 'unix', path });
    const adopting = canAdopt();
    let accepted = 0;
    server.on('connection', (socket) => {
      handOver(this.#accept(socket, `${where}#${++accepted}`, adopting), onConnection, onError);
    });
    server.on('error', (error) => report(onError, acceptFailed(where, error)));
    let closed: Promise<void> | undefined;
    return {
      address: where,
      close() {
        closed ??= stop(server, path, file);
        return closed;
      },
    };
  }

  #accept(accepted: Socket, address: string, adopting: boolean): SocketConnection {
    const reading = new Reading(this.#readBuffer);
    const adopted = adopting ? adopt(accepted, reading) : undefined;
    const socket = adopted ?? accepted;
    const peer = this.#credentials.supported
      ? { address, credentials: this.#credentials.of(socket, address) }
      : { address };
    return this.#connection(socket, peer, adopted === undefined ? undefined : reading);
  }

  #connection(socket: Socket, peer: PeerInfo, reading: Reading | undefined): SocketConnection {
    const closeTimeout = this.#closeTimeout;
    return new SocketConnection({ socket, peer, plain: true, closeTimeout, ...(reading !== undefined && { reading }) });
  }
}

/** Listens, after a stale file was removed if need be. */
async function bind(address: Address, where: UnixAddress, signal: AbortSignal | undefined): Promise<Server> {
  const { path } = where;
  for (let attempt = 1; ; attempt++) {
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    let refused: unknown;
    try {
      await untilListening(server, () => listenOn(server, where), {
        address,
        signal,
        failed: (cause) => {
          refused = cause;
          return failed(address, path, cause);
        },
      });
      return server;
    } catch (error) {
      if (systemCode(refused) !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
    }
    await makeRoom(address, path, refused);
    requireNotAborted(address, signal);
  }
}

/** @throws {SpokeError} `ADDRESS_IN_USE` or `LISTEN_FAILED` when what stands there is not a stale socket. */
async function makeRoom(address: Address, path: string, refused: unknown): Promise<void> {
  const occupant = await occupantOf(path);
  switch (occupant.kind) {
    case 'nothing':
      return;
    case 'listener':
      throw addressInUse(address, refused);
    case 'other':
      throw listenFailed(address, `${path} is ${occupant.what}, not a socket; it was left alone`, refused);
    case 'unknown': {
      const why = `it cannot be told whether somebody listens on ${path}: ${textOf(occupant.cause)}; it was left alone`;
      throw listenFailed(address, why, occupant.cause);
    }
    case 'stale':
      try {
        removeStale(path, occupant.file);
      } catch (error) {
        throw listenFailed(address, `nobody listens on ${path}, but it cannot be removed: ${textOf(error)}`, error);
      }
  }
}

/** Node binds, and makes the file, before `listen` returns. */
function listenOn(server: Server, { path, mode }: UnixAddress): void {
  if (mode === undefined) {
    server.listen({ path });
    return;
  }
  // A worker thread has no umask of its own: there the process's holds until `chmod`.
  const umask = isMainThread ? process.umask(STRICT_UMASK) : undefined;
  try {
    server.listen({ path });
  } finally {
    if (umask !== undefined) process.umask(umask);
  }
  if (server.listening) chmodSync(path, mode);
}

function failed(address: Address, path: string, cause: unknown): SpokeError {
  switch (systemCode(cause)) {
    case 'EADDRINUSE':
      return addressInUse(address, cause);
    case 'EACCES':
    case 'ENOENT': {
      const directory = dirname(path);
      const why = existsSync(directory)
        ? `not allowed to make a file in ${directory}`
        : `there is no directory ${directory}; make it first`;
      return listenFailed(address, why, cause);
    }
    default:
      return listenFailed(address, `cannot listen: ${textOf(cause)}`, cause);
  }
}

/** Closing removes whatever is at the path, as Node does; but by now it may be another listener's. */
function stop(server: Server, path: string, own: BigIntStats | undefined): Promise<void> {
  let stopped: Promise<void> | undefined;
  keepForeign(path, own, () => {
    stopped = stopListening(server);
  });
  return stopped ?? Promise.resolve();
}
