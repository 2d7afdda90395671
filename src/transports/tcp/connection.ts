// A connection over one socket of Node: TCP, a Unix socket, or TLS.

import type { Socket } from 'node:net';
import type { CloseReason, PeerInfo, SpokeError } from '../../contracts/index.js';
import { BaseConnection } from '../base-connection.js';
import { plainBytes } from '../plain-bytes.js';
import { connectionLost, flushTimedOut } from './errors.js';
import type { Reading } from './reading.js';

/** Bytes queued in this process from which on `send` returns `false`; what the system holds comes on top. */
const HIGH_WATER_MARK = 64 * 1024;

export interface SocketConnectionOptions {
  readonly socket: Socket;
  readonly peer: PeerInfo;
  /** Absent: the socket was made without `onread` and emits 'data'. */
  readonly reading?: Reading;
  /** Milliseconds without progress after which an ending connection is cut. */
  readonly closeTimeout: number;
  /** It is a TCP socket, which can be reset. Default `false`. */
  readonly resets?: boolean;
  /** Its bytes go to the system as they are: a TLS socket holds on to what it encrypts. Default `false`. */
  readonly plain?: boolean;
  /** Looks at the first bytes and may refuse them. */
  readonly inspect?: (first: Uint8Array, peer: string) => SpokeError | undefined;
}

/**
 * How it ends: `finish` sends what is queued and a FIN, then reads and throws away until the other side's FIN. To close
 * earlier with unread bytes would make the system reset the connection, which destroys what is still on its way.
 */
export class SocketConnection extends BaseConnection {
  readonly boundaries = 'stream';
  /** Node writes at once what the system takes, and counts the rest in `writableLength` until it is gone. */
  readonly releases: boolean;
  readonly #socket: Socket;
  readonly #closeTimeout: number;
  readonly #resets: boolean;
  #stopped = false;
  #closeTimer: NodeJS.Timeout | undefined;
  #failure: unknown;
  #inspect: SocketConnectionOptions['inspect'];

  /** @param options - `socket` is connected, paused, and allows half-open. */
  constructor(options: SocketConnectionOptions) {
    super(options.peer);
    this.#socket = options.socket;
    this.#closeTimeout = options.closeTimeout;
    this.#resets = options.resets ?? false;
    this.releases = options.plain ?? false;
    this.#inspect = options.inspect;
    const { socket, reading } = options;
    const receive = (chunk: Uint8Array) => this.#receive(chunk);
    if (reading === undefined) socket.on('data', (chunk) => receive(plainBytes(chunk)));
    else reading.receive = receive;
    socket.on('drain', () => this.drained());
    // Node begins to read in the turn after `socket.resume`, even when `socket.pause` came in between.
    socket.on('resume', () => {
      if (this.#stopped) socket.pause();
    });
    socket.on('end', () => this.remoteEnded());
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.on('close', () => this.#closed());
  }

  get pendingBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  protected write(chunk: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket.write(chunk)) return true;
    // Node's own mark is lower in Node 20. A socket that has just broken must not say true: a loop would never end.
    return socket.writable && socket.writableLength < HIGH_WATER_MARK;
  }

  protected startReading(): void {
    this.#stopped = false;
    this.#socket.resume();
  }

  protected stopReading(): void {
    this.#stopped = true;
    this.#socket.pause();
  }

  protected finish(): void {
    const socket = this.#socket;
    this.#stopped = false;
    socket.end();
    socket.resume();
    this.#cutWithoutProgress(socket.writableLength);
  }

  protected drop(): void {
    const socket = this.#socket;
    // A reset: the other side learns that this was no orderly end, and the system keeps nothing to send on. While a FIN is
    // under way the system refuses it (and Node would then never close). Only TCP has one.
    if (!this.#resets || (socket.writableEnded && socket.writableLength === 0)) socket.destroy();
    else socket.resetAndDestroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#inspect !== undefined && this.state === 'open') {
      const mismatch = this.#inspect(chunk, this.peer.address);
      this.#inspect = undefined;
      if (mismatch !== undefined) this.abort(mismatch);
    }
    this.received(chunk);
  }

  #cutWithoutProgress(before: number): void {
    this.#closeTimer = setTimeout(() => {
      const now = this.#socket.writableLength;
      if (now < before) this.#cutWithoutProgress(now);
      else this.drop();
    }, this.#closeTimeout);
  }

  #closed(): void {
    clearTimeout(this.#closeTimer);
    this.ended(this.#reason());
  }

  #reason(): CloseReason | undefined {
    const flushed = this.#socket.writableFinished;
    if (this.state === 'closing' && flushed) return undefined;
    const { address } = this.peer;
    if (this.#failure !== undefined) return { by: 'error', error: connectionLost(address, this.#failure) };
    if (this.state === 'closing') return { by: 'error', error: flushTimedOut(address, this.#closeTimeout) };
    return undefined;
  }
}
