// What waits to be sent on one connection.

import type { Connection, SpokeError } from '../contracts/index.js';
import type { Flushable, Turn } from './turn.js';

/** Collects frames for one connection, and writes them at the end of the turn. */
export interface Outbox extends Flushable {
  /** Whether the connection asked to stop: bytes pushed now wait for it. */
  readonly blocked: boolean;
  /** Bytes that wait for `drain`. */
  readonly backlogBytes: number;
  /** Queues `block[start, end)`. The range is never changed again by anyone. */
  push(block: Uint8Array, start: number, end: number): void;
  /** The connection has room again. */
  drain(): void;
  /** Hands everything to the connection, whether it asked to stop or not: nothing will be pushed after this. */
  finish(): void;
  /** The connection has ended: forgets everything. */
  close(): void;
}

/** @param fail - ends the connection. */
export type MakeOutbox = (connection: Connection, turn: Turn, fail: (error: SpokeError) => void) => Outbox;

// Few enough that a loop which publishes without end is told so.
const SEND_BYTES = 64 * 1024;

/** Hands on frame by frame: enough for a WebSocket, which copies them anyway. Its owner limits what is pushed. */
export class PlainOutbox implements Outbox {
  blocked = false;
  backlogBytes = 0;
  readonly #connection: Connection;
  readonly #turn: Turn;
  #waiting: Uint8Array[] = [];
  #added = false;

  constructor(connection: Connection, turn: Turn) {
    this.#connection = connection;
    this.#turn = turn;
  }

  push(block: Uint8Array, start: number, end: number): void {
    this.#waiting.push(block.subarray(start, end));
    this.backlogBytes += end - start;
    if (this.backlogBytes >= SEND_BYTES) this.#send();
    else if (!this.#added) {
      this.#added = true;
      this.#turn.add(this);
    }
  }

  flush(): void {
    this.#added = false;
    this.#send();
  }

  drain(): void {
    this.blocked = false;
    this.#send();
  }

  finish(): void {
    for (const frame of this.#waiting) this.#connection.send(frame);
    this.close();
  }

  close(): void {
    this.blocked = true;
    this.backlogBytes = 0;
    this.#waiting = [];
  }

  #send(): void {
    const frames = this.#waiting;
    let sent = 0;
    for (; sent < frames.length && !this.blocked; sent++) {
      const frame = frames[sent] ?? new Uint8Array(0);
      this.backlogBytes -= frame.length;
      this.blocked = !this.#connection.send(frame);
    }
    if (sent > 0) this.#waiting = frames.slice(sent);
  }
}
