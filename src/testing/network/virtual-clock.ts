// Time that moves only when a test says so.

import type { Clock } from '../../contracts/index.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A `Clock` for tests. Deferred callbacks run by themselves, and `idle` waits until there are none: on a memory network that
 * uses the same clock, everything has happened then that happens without time passing.
 */
export class VirtualClock implements Clock {
  #now: number;
  #monotonic = 0;
  // In the order in which they were set.
  readonly #timers = new Set<Timer>();
  #deferred = 0;

  /** @param now - milliseconds since the epoch. */
  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Timers that were set, and neither ran nor were cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer; `undefined` when there is none. */
  get nextTimer(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.at - this.#monotonic;
  }

  setTimer(delay: number, callback: () => void): () => void {
    const timer = { at: this.#monotonic + delay, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    this.#deferred++;
    setImmediate(() => {
      this.#deferred--;
      callback();
    });
  }

  /** Somebody sets the system's clock: `now` jumps, timers do not. */
  set(now: number): void {
    this.#now = now;
  }

  /** Lets time pass, timer by timer, and all that follows from each. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#monotonic + milliseconds;
    await this.idle();
    for (let timer = this.#next(); timer !== undefined && timer.at <= end; timer = this.#next()) {
      this.#moveTo(Math.max(timer.at, this.#monotonic));
      this.#timers.delete(timer);
      timer.callback();
      await this.idle();
    }
    this.#moveTo(end);
  }

  /** Resolves when nothing is left to happen before time passes. */
  async idle(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.#deferred === 0 ? quiet + 1 : 0;
    }
  }

  #moveTo(monotonic: number): void {
    this.#now += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }
}
