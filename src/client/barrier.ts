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
  // By number, ascending.
  readonly #waiters = new Set<Waiter>();
  #sent = 0;
  // First ping of the present connection.
  #first = 1;
  #scheduled = false;

  /** @param send - sends the ping with this number, if there is a connection. */
  constructor(clock: Clock, send: (number: number) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Those who wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * `passed` resolves when everything sent before this call, and in this turn, has taken effect in the broker.
   * Whoever stops waiting calls `forget`: `passed` then never settles.
   */
  wait(): { readonly passed: Promise<void>; readonly forget: () => void } {
    let forget = (): void => {};
    const passed = new Promise<void>((resolve, reject) => {
      const waiter = { number: this.#sent + 1, resolve, reject };
      this.#waiters.add(waiter);
      forget = () => this.#waiters.delete(waiter);
    });
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#clock.defer(() => {
        this.#scheduled = false;
        if (this.#waiters.size > 0) this.#send(++this.#sent);
      });
    }
    return { passed, forget };
  }

  /**
   * A ping came back. Numbers that were not sent are no answers: with a peers' broker, anyone can write to that channel.
   * Nor are those of a connection before: such a broker may route them late, to the connection of now.
   */
  returned(number: number): void {
    if (!(number <= this.#sent && number >= this.#first)) return;
    for (const waiter of this.#waiters) {
      if (waiter.number > number) break;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** A new connection: what was on its way on the old one is lost. */
  connected(): void {
    this.#first = this.#sent + 1;
    if (this.#waiters.size > 0) this.#send(++this.#sent);
  }

  /** Nothing will come back any more. */
  close(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}
