// One end of a connection under test: records what happens, waits for it, and watches the rules that always hold.

import assert from 'node:assert/strict';
import type { CloseReason, Connection, ConnectionHandler, SpokeError } from '../../contracts/index.js';
import type { Watch } from './watch.js';

/** What a test lets an end do besides recording. */
export interface Reactions {
  data?(end: End, chunk: Uint8Array): void;
  drain?(end: End): void;
  close?(end: End, reason: CloseReason): void;
  /** `false` where many bytes arrive: count them only. Default `true`. */
  readonly keep?: boolean;
}

/** A connection with its handler. Use the methods of this, not those of `connection`: then the rules are watched. */
export class End {
  readonly connection: Connection;
  readonly name: string;
  readonly reactions: Reactions;
  /** Rules of the contract that were broken. */
  readonly violations: string[] = [];
  /** Copies of the chunks received. */
  readonly chunks: Uint8Array[] = [];
  receivedBytes = 0;
  /** Times that `send` turned from `true` to `false`, and times that `drain` answered. */
  stops = 0;
  drains = 0;
  reason: CloseReason | undefined;
  started = false;
  readonly #watch: Watch;
  #blocked = false;
  #left = false;
  #aborted = false;
  #handling = '';

  constructor(connection: Connection, name: string, watch: Watch, reactions: Reactions) {
    this.connection = connection;
    this.name = name;
    this.reactions = reactions;
    this.#watch = watch;
  }

  /** `send` returned `false`, and `drain` has not come yet. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** All that was received, in one piece. */
  get received(): Uint8Array {
    return Buffer.concat(this.chunks);
  }

  start(): this {
    this.started = true;
    this.#call('start', () => this.connection.start(this.#handler));
    return this;
  }

  send(chunk: Uint8Array): boolean {
    const more = this.#call('send', () => this.connection.send(chunk));
    if (!more && !this.#blocked && !this.#left && this.reason === undefined) {
      this.#blocked = true;
      this.stops++;
    }
    return more;
  }

  pause(): void {
    this.#call('pause', () => this.connection.pause());
  }

  resume(): void {
    this.#call('resume', () => this.connection.resume());
  }

  close(): void {
    this.#left = true;
    this.#call('close', () => this.connection.close());
  }

  abort(error: SpokeError): void {
    this.#left = true;
    this.#aborted = true;
    this.#call('abort', () => this.connection.abort(error));
  }

  /** Waits until the condition holds; it is looked at after each call of a handler. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await this.#watch.until(`${this.name} ${what}`, condition, () => this.describe());
  }

  async untilReceived(bytes: number): Promise<void> {
    await this.until(`receives ${bytes} bytes`, () => this.receivedBytes >= bytes || this.reason !== undefined);
    assert.equal(this.receivedBytes, bytes, `${this.name} received something else than was sent: ${this.describe()}`);
  }

  async untilClosed(): Promise<CloseReason> {
    await this.until('is closed', () => this.reason !== undefined);
    assert(this.reason);
    return this.reason;
  }

  describe(): string {
    const { receivedBytes, drains, stops, reason } = this;
    const state = reason === undefined ? 'open' : `closed by ${reason.by} ${reason.error?.message ?? ''}`;
    const { pendingBytes } = this.connection;
    return `${receivedBytes} bytes received, ${pendingBytes} pending, ${stops} stops, ${drains} drains, ${state}`;
  }

  readonly #handler: ConnectionHandler = {
    data: (chunk) => {
      this.#handle('data', () => {
        if (chunk.length === 0) this.violations.push('data was called with an empty chunk');
        if (chunk.slice().buffer === chunk.buffer)
          this.violations.push('slice() of a chunk is no copy (a Node Buffer?)');
        this.receivedBytes += chunk.length;
        // A chunk is valid during the call only.
        if (this.reactions.keep !== false) this.chunks.push(chunk.slice());
        this.reactions.data?.(this, chunk);
      });
    },
    drain: () => {
      this.#handle('drain', () => {
        if (!this.#blocked) this.violations.push('drain came without a false before it');
        this.#blocked = false;
        this.drains++;
        this.reactions.drain?.(this);
      });
    },
    close: (reason) => {
      this.#handle('close', () => {
        this.reason = reason;
        this.reactions.close?.(this, reason);
      });
    },
  };

  #call<T>(method: string, run: () => T): T {
    const outer = this.#watch.calling;
    this.#watch.calling = `${method} of ${this.name}`;
    try {
      return run();
    } finally {
      this.#watch.calling = outer;
    }
  }

  #handle(event: string, run: () => void): void {
    const { calling } = this.#watch;
    if (calling !== '') this.violations.push(`${event} was called from inside ${calling}`);
    if (this.#handling !== '') this.violations.push(`${event} was called from inside ${this.#handling}`);
    if (this.reason !== undefined) this.violations.push(`${event} was called after close`);
    if (this.#aborted && event !== 'close') this.violations.push(`${event} was called after abort`);
    if (this.#left && event === 'drain') this.violations.push('drain was called after close()');
    this.#handling = event;
    this.#watch.calling = '';
    try {
      run();
    } finally {
      this.#handling = '';
      this.#watch.calling = calling;
      this.#watch.changed();
    }
  }
}
