// The broker's side of Unix sockets: the socket's file, and who connects. Loaded when somebody listens: the programs that
// find out about files and peers are of no use to a client.

import type { BigIntStats } from 'node:fs';
import { chmodSync, existsSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Address, Connection, Listener, ListenOptions, SpokeError } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { handOver, report, requireNotAborted } from '../opening.js';
import { SocketConnection } from '../tcp/connection.js';
import { acceptFailed, systemCode, textOf } from '../tcp/errors.js';
import { stopListening, untilListening } from '../tcp/opening.js';
import { adopt, canAdopt, Reading } from '../tcp/reading.js';
import type { UnixAddress } from './address.js';
import { CredentialsReader } from './credentials.js';
import { addressInUse, listenFailed } from './errors.js';
import { keepForeign, look, occupantOf, removeStale } from './socket-file.js';

const SOCKET_OPTIONS = { allowHalfOpen: true } as const;
/** Owner only: while the file is made it lets in nobody who is not let in afterwards. */
const STRICT_UMASK = 0o177;
/** How often a stale file is removed before somebody else must be making them. */
const ATTEMPTS = 3;

/** All listeners of one transport. */
export class UnixListening {
  readonly #readBuffer: Buffer;
  readonly #closeTimeout: number;
  readonly #credentials = new CredentialsReader();

  /** @param readBuffer - shared by all sockets, as in TCP. */
  constructor(readBuffer: Buffer, closeTimeout: number) {
    this.#readBuffer = readBuffer;
    this.#closeTimeout = closeTimeout;
  }

  async listen(
    address: Address,
    where: UnixAddress | { readonly fd: number },
    onConnection: (connection: Connection) => void,
    { signal, onError }: ListenOptions,
  ): Promise<Listener> {
    const { server, path, stop } = await ('fd' in where
      ? inherit(address, where.fd, signal)
      : bindFile(address, where, signal));
    const name = formatAddress({ scheme: 'unix', path });
    const adopting = canAdopt();
    let accepted = 0;
    server.on('connection', (socket) => {
      handOver(this.#accept(socket, `${name}#${++accepted}`, adopting), onConnection, onError);
    });
    server.on('error', (error) => report(onError, acceptFailed(name, error)));
    let closed: Promise<void> | undefined;
    return {
      address: name,
      close() {
        closed ??= stop();
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
    const closeTimeout = this.#closeTimeout;
    return new SocketConnection({ socket, peer, plain: true, closeTimeout, ...(adopted !== undefined && { reading }) });
  }
}

interface Bound {
  readonly server: Server;
  readonly path: string;
  readonly stop: () => Promise<void>;
}

async function bindFile(address: Address, where: UnixAddress, signal: AbortSignal | undefined): Promise<Bound> {
  const { path } = where;
  const server = await bind(address, where, signal);
  const file = look(path);
  return { server, path, stop: () => stop(server, path, file) };
}

/** The file is of whoever made it. */
async function inherit(address: Address, fd: number, signal: AbortSignal | undefined): Promise<Bound> {
  const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
  await untilListening(server, () => server.listen({ fd }), {
    address,
    signal,
    failed: (cause) => listenFailed(address, `file descriptor ${fd} cannot be listened on: ${textOf(cause)}`, cause),
  });
  const path = server.address();
  return { server, path: typeof path === 'string' ? path : '', stop: () => stopListening(server) };
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
