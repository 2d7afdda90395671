// What is to be kept by the engine, and not answered yet: bounded, in order, sent again after an interruption, given up in time.

import type { Clock, Kept, KeepOptions } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/** Milliseconds until a publisher is told that the engine has not answered. */
export const KEEP_TIMEOUT = 10_000;

export interface PendingKeep extends KeepOptions {
  /** The engine's answer names it. */
  readonly number: number;
  readonly channel: string;
  readonly data: Uint8Array;
}

interface Waiting extends PendingKeep {
  readonly deadline: number;
  /** When it was sent last. */
  sent: number;
  readonly resolve: (kept: Kept) => void;
  readonly reject: (error: SpokeError) => void;
}

export class PendingKeeps {
  readonly #clock: Clock;
  readonly #limit: () => number;
  readonly #send: (keep: PendingKeep) => void;
  // The oldest first.
  readonly #waiting = new Map<number, Waiting>();
  readonly #idle: (() => void)[] = [];
  #last = 0;
  #bytes = 0;
  #cancelTimer: (() => void) | undefined;

  /** @param limit - bytes that may wait. @param send - not called when nothing can be sent: `resend` later. */
  constructor(clock: Clock, limit: () => number, send: (keep: PendingKeep) => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#send = send;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(channel: string, data: Uint8Array, options: KeepOptions): Promise<Kept> {
    if (this.#bytes + data.length > this.#limit()) {
      const text = `${channel}: ${this.#waiting.size} messages wait for the engine already, ${this.#bytes} bytes`;
      return Promise.reject(new SpokeError('STORE_FAILED', text, { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      const number = ++this.#last;
      const deadline = this.#clock.monotonic() + KEEP_TIMEOUT;
      const waiting: Waiting = { ...options, number, channel, data, deadline, sent: 0, resolve, reject };
      this.#waiting.set(number, waiting);
      this.#bytes += data.length;
      this.#cancelTimer ??= this.#clock.setTimer(KEEP_TIMEOUT, this.#expire);
      this.#sendOne(waiting);
    });
  }

  answered(number: number, kept: Kept): void {
    this.#take(number)?.resolve(kept);
  }

  failed(number: number, error: SpokeError): void {
    this.#take(number)?.reject(error);
  }

  /** The engine may have lost them: all once more, in order. */
  resend(): void {
    this.resendOlder(-1);
  }

  /** Those once more that were sent so long ago and got no answer; milliseconds. */
  resendOlder(age: number): void {
    const latest = this.#clock.monotonic() - age;
    for (const waiting of [...this.#waiting.values()]) if (waiting.sent < latest) this.#sendOne(waiting);
  }

  /** Just this one once more, if it still waits. */
  retry(number: number): void {
    const waiting = this.#waiting.get(number);
    if (waiting !== undefined) this.#sendOne(waiting);
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const { number, channel } of [...this.#waiting.values()]) {
      this.failed(
        number,
        new SpokeError('STORE_FAILED', `${channel}: the broker was closed before the engine answered`),
      );
    }
  }

  #sendOne(waiting: Waiting): void {
    waiting.sent = this.#clock.monotonic();
    this.#send(waiting);
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(number);
    this.#bytes -= waiting.data.length;
    if (this.#waiting.size === 0) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    return waiting;
  }

  readonly #expire = (): void => {
    this.#cancelTimer = undefined;
    const now = this.#clock.monotonic();
    for (const { number, channel, deadline } of this.#waiting.values()) {
      if (deadline > now) {
        this.#cancelTimer = this.#clock.setTimer(deadline - now, this.#expire);
        return;
      }
      const text = `${channel}: the engine has not answered for ${KEEP_TIMEOUT} ms; it may be kept all the same`;
      this.failed(number, new SpokeError('STORE_FAILED', text, { retryable: true }));
    }
  };
}
