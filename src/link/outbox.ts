// What waits to be sent on one connection.

import type { Connection, SpokeError } from '../contracts/index.js';

/** Takes the frames of one connection. */
export interface Outbox {
  /** Whether the connection asked to stop: bytes pushed now wait for it. */
  readonly blocked: boolean;
  /** Bytes that wait for `drain`. */
  readonly backlogBytes: number;
  /** Queues `block[start, end)`. Its bytes stay as they are at least until all outboxes of the turn are done with them. */
  push(block: Uint8Array, start: number, end: number): void;
  /** Somebody else keeps so many bytes more (or less) for the connection while it is blocked: they count as its backlog. */
  hold?(bytes: number): void;
  /** The connection has room again. */
  drain(): void;
  /** Hands everything to the connection, whether it asked to stop or not: nothing will be pushed after this. */
  finish(): void;
  /** The connection has ended: forgets everything. */
  close(): void;
}

/** @param fail - ends the connection. */
export type MakeOutbox = (connection: Connection, fail: (error: SpokeError) => void) => Outbox;

/** Hands on frame by frame, at once: enough for a WebSocket of a page, which sends each on its own. Its owner limits what is pushed. */
export class PlainOutbox implements Outbox {
  blocked = false;
  backlogBytes = 0;
  readonly #connection: Connection;
  #waiting: Uint8Array[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  push(block: Uint8Array, start: number, end: number): void {
    const frame = block.subarray(start, end);
    if (!this.blocked) {
      this.blocked = !this.#connection.send(frame);
      return;
    }
    this.#waiting.push(frame);
    this.backlogBytes += frame.length;
  }

  drain(): void {
    const frames = this.#waiting;
    this.close();
    this.blocked = false;
    for (const frame of frames) this.push(frame, 0, frame.length);
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
}
