// Sockets that a server has accepted and that are no connections yet: TLS or an HTTP request is still to come. Each has a
// time limit, and none outlives its listener.

import type { Socket } from 'node:net';

export class Doorstep {
  readonly #timeout: number;
  readonly #waiting = new Map<string, { readonly socket: Socket; readonly timer: NodeJS.Timeout }>();

  #isClosed = false;

  /** @param timeout - milliseconds after which a socket is cut that is still here. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** @returns `false`: the other side has gone already, and so has the socket. */
  enter(socket: Socket): boolean {
    const key = keyOf(socket);
    if (key === undefined) {
      socket.destroy();
      return false;
    }
    const timer = setTimeout(() => socket.destroy(), this.#timeout);
    const entry = { socket, timer };
    this.#waiting.set(key, entry);
    socket.on('close', () => {
      clearTimeout(timer);
      if (this.#waiting.get(key) === entry) this.#waiting.delete(key);
    });
    return true;
  }

  /**
   * It becomes a connection.
   * @param socket - the one that entered, or the TLS socket on top of it.
   * @returns `false`: it is not here, or not any more.
   */
  leave(socket: Socket): boolean {
    const key = keyOf(socket);
    const entry = key === undefined ? undefined : this.#waiting.get(key);
    if (key === undefined || entry === undefined) return false;
    clearTimeout(entry.timer);
    this.#waiting.delete(key);
    return true;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Cuts all that are here. */
  close(): void {
    this.#isClosed = true;
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }
}

// A TLS socket does not say which socket it lies upon, but both have the same other side, and no two have that at a time.
function keyOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined || remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
