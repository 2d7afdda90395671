// One direction between a member and the engine: in order, with a latency, and what is in it is lost when it breaks.

import type { Clock } from '../../contracts/index.js';

interface Item {
  readonly at: number;
  readonly bytes: number;
  readonly run: () => void;
}

export class Pipe {
  readonly #clock: Clock;
  readonly #latency: () => number;
  #queue: Item[] = [];
  #bytes = 0;
  #scheduled = false;
  #held = false;
  #generation = 0;

  constructor(clock: Clock, latency: () => number) {
    this.#clock = clock;
    this.#latency = latency;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: number, run: () => void): void {
    const last = this.#queue[this.#queue.length - 1]?.at ?? 0;
    this.#queue.push({ at: Math.max(last, this.#clock.monotonic() + this.#latency()), bytes, run });
    this.#bytes += bytes;
    this.#schedule();
  }

  /** Nothing comes out until it is let go. */
  hold(held: boolean): void {
    this.#held = held;
    this.#schedule();
  }

  clear(): void {
    this.#queue = [];
    this.#bytes = 0;
    this.#generation++;
    this.#scheduled = false;
  }

  #schedule(): void {
    const [first] = this.#queue;
    if (this.#scheduled || this.#held || first === undefined) return;
    this.#scheduled = true;
    const generation = this.#generation;
    const run = (): void => {
      if (generation === this.#generation) this.#run();
    };
    const delay = first.at - this.#clock.monotonic();
    if (delay > 0) this.#clock.setTimer(delay, run);
    else this.#clock.defer(run);
  }

  #run(): void {
    this.#scheduled = false;
    const now = this.#clock.monotonic();
    while (!this.#held) {
      const [first] = this.#queue;
      if (first === undefined || first.at > now) break;
      this.#queue.shift();
      this.#bytes -= first.bytes;
      first.run();
    }
    this.#schedule();
  }
}
