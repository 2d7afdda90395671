// How sockets and servers of Node open and close, with a signal and a time limit: the same for TCP, Unix sockets and TLS.

import type { Server, Socket } from 'node:net';
import type { Address, SpokeError } from '../../contracts/index.js';
import { abortedError } from '../opening.js';

export interface Opening {
  readonly address: Address;
  readonly signal: AbortSignal | undefined;
  /** Makes the error that is thrown from what the system said. */
  readonly failed: (cause: unknown) => SpokeError;
}

export interface SocketOpening extends Opening {
  /** The event that says it is open. */
  readonly event: 'connect' | 'secureConnect';
  /** Milliseconds. */
  readonly timeout: number;
  readonly timedOut: () => SpokeError;
}

// 25 days; what is longer would elapse at once.
const LONGEST_TIMER = 2 ** 31 - 1;

/** Waits until the socket is open. When it fails, the socket is destroyed. */
export function untilOpen(socket: Socket, opening: SocketOpening): Promise<void> {
  const { address, signal, timeout, event } = opening;
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener(event, onOpen);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
    };
    const fail = (error: SpokeError) => {
      settle();
      // A later error of a socket that nobody has any more must not end the process.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onOpen = () => {
      settle();
      resolve();
    };
    const onError = (error: Error) => fail(opening.failed(error));
    const onClose = () => fail(opening.failed(new Error('it was closed')));
    const onAbort = () => {
      if (signal !== undefined) fail(abortedError(address, signal));
    };
    const timer = setTimeout(() => fail(opening.timedOut()), Math.min(timeout, LONGEST_TIMER));
    signal?.addEventListener('abort', onAbort);
    socket.on(event, onOpen);
    socket.on('error', onError);
    socket.on('close', onClose);
    // It may have been aborted since the caller looked.
    if (signal?.aborted) onAbort();
  });
}

/** Waits until the server listens, after `begin` has called its `listen`. When it fails, the server is closed. */
export function untilListening(server: Server, begin: () => void, opening: Opening): Promise<void> {
  const { address, signal } = opening;
  return new Promise((resolve, reject) => {
    const settle = () => {
      signal?.removeEventListener('abort', onAbort);
      server.removeListener('error', onError);
      server.removeListener('listening', onListening);
    };
    const onListening = () => {
      settle();
      resolve();
    };
    const onError = (error: Error) => {
      settle();
      reject(opening.failed(error));
    };
    const onAbort = () => {
      settle();
      server.on('error', () => {});
      // The look-up of the host may still end in an open endpoint.
      server.on('listening', () => server.close());
      server.close();
      if (signal !== undefined) reject(abortedError(address, signal));
    };
    signal?.addEventListener('abort', onAbort);
    server.on('error', onError);
    server.on('listening', onListening);
    try {
      begin();
    } catch (error) {
      settle();
      server.on('error', () => {});
      server.close();
      reject(opening.failed(error));
    }
  });
}

/** `server.close` frees the endpoint at once; its callback would wait for all connections to end as well. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close();
    setImmediate(resolve);
  });
}
