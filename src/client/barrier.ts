// Knowing that the broker has handled everything sent before, with any broker: a message to oneself comes back in order.

import type { Clock } from '../contracts/index.js';

interface Waiter {
  readonly number: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Numbers the pings of one client. Everyone who waits in one turn shares one. */
export class Barrier {
  readonly #clock: Clock;
  readonly #send: (number: number) => void;
  #waiters: Waiter[] = [];
  #sent = 0;
  #scheduled = false;

  /** @param send - sends the ping with this number, if there is a connection. */
  constructor(clock: Clock, send: (number: number) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Resolves when everything sent before this call, and in this turn, has taken effect in the broker. */
  async wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ number: this.#sent + 1, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      this.#clock.defer(() => {
        this.#scheduled = false;
        if (this.#waiters.length > 0) this.#send(++this.#sent);
      });
    });
  }

  /** A ping came back. Numbers that were not sent are no answers: with a peers' broker, anyone can write to that channel. */
  returned(number: number): void {
    if (!(number <= this.#sent)) return;
    const done = this.#waiters.filter((waiter) => waiter.number <= number);
    this.#waiters = this.#waiters.filter((waiter) => waiter.number > number);
    for (const waiter of done) waiter.resolve();
  }

  /** A new connection: what was on its way on the old one is lost. */
  connected(): void {
    if (this.#waiters.length > 0) this.#send(++this.#sent);
  }

  /** Nothing will come back any more. */
  close(error: unknown): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}
