// A transport around another one that breaks and stalls its connections from outside. Works for all.

import type {
  Address,
  Connection,
  ConnectionHandler,
  ConnectOptions,
  Listener,
  ListenOptions,
  Transport,
} from '../../src/contracts/index.js';
import { SpokeError } from '../../src/contracts/index.js';

/** One connection, in the hands of the test. */
export class TappedConnection implements Connection {
  readonly #inner: Connection;
  readonly #ended: () => void;
  #handler: ConnectionHandler | undefined;
  #readingStalled = false;
  #pausedByOwner = false;
  #held: Uint8Array[] | undefined;

  constructor(inner: Connection, ended: () => void) {
    this.#inner = inner;
    this.#ended = ended;
  }

  /** The connection breaks. */
  cut(): void {
    this.#inner.abort(new SpokeError('CONNECTION_LOST', 'cut by the test', { retryable: true }));
  }

  /** Nothing is read any more, as when the program of this side hangs. */
  stallReading(): void {
    this.#readingStalled = true;
    this.#inner.pause();
  }

  goOnReading(): void {
    this.#readingStalled = false;
    if (!this.#pausedByOwner) this.#inner.resume();
  }

  /** Nothing that this side sends leaves any more. */
  stallWriting(): void {
    this.#held ??= [];
  }

  goOnWriting(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    let room = true;
    for (const chunk of held) room = this.#inner.send(chunk);
    // Otherwise the inner connection says when.
    if (held.length > 0 && room) this.#handler?.drain();
  }

  get boundaries(): Connection['boundaries'] {
    return this.#inner.boundaries;
  }

  get peer(): Connection['peer'] {
    return this.#inner.peer;
  }

  get pendingBytes(): number {
    const held = (this.#held ?? []).reduce((sum, chunk) => sum + chunk.length, 0);
    return this.#inner.pendingBytes + held;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#inner.start({
      data: (chunk) => handler.data(chunk),
      drain: () => handler.drain(),
      close: (reason) => {
        this.#ended();
        handler.close(reason);
      },
    });
  }

  send(chunk: Uint8Array): boolean {
    if (this.#held === undefined) return this.#inner.send(chunk);
    this.#held.push(chunk);
    return false;
  }

  pause(): void {
    this.#pausedByOwner = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#pausedByOwner = false;
    if (!this.#readingStalled) this.#inner.resume();
  }

  close(): void {
    this.#inner.close();
  }

  abort(error: SpokeError): void {
    this.#inner.abort(error);
  }
}

/** What it connects can be reached by `connections`; `refuse` and `onConnect` decide about the next attempt. */
export class TapTransport implements Transport {
  readonly schemes: readonly string[];
  readonly #inner: Transport;
  /** Open ones, oldest first. */
  readonly connections: TappedConnection[] = [];
  /** Attempts to connect so far. */
  attempts = 0;
  /** While set, every attempt fails with it. */
  refuse: SpokeError | undefined;
  /** Awaited before each attempt. */
  onConnect: ((signal: AbortSignal | undefined) => Promise<void> | void) | undefined;

  constructor(inner: Transport) {
    this.#inner = inner;
    this.schemes = inner.schemes;
  }

  /** The connection of a client that has one. */
  get connection(): TappedConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('there is no connection');
    return last;
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    this.attempts++;
    await this.onConnect?.(options.signal);
    if (this.refuse !== undefined) throw this.refuse;
    const inner = await this.#inner.connect(address, options);
    const tapped = new TappedConnection(inner, () => {
      this.connections.splice(this.connections.indexOf(tapped), 1);
    });
    this.connections.push(tapped);
    return tapped;
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    return this.#inner.listen(address, onConnection, options);
  }
}

/** A failure of an attempt after which a client tries again. */
export function refused(): SpokeError {
  return new SpokeError('CONNECT_FAILED', 'refused by the test', { retryable: true });
}
