// How long to wait before connecting again.

export interface BackoffOptions {
  /** Milliseconds before the first attempt after a loss. Default 100. */
  readonly minDelay?: number;
  /** Milliseconds between attempts at the most. Default 5,000. */
  readonly maxDelay?: number;
  /** A number in [0, 1), for tests. Default `Math.random`. */
  readonly random?: () => number;
}

// A connection that lasted this long was a good one: the next loss starts from the shortest delay again. A broker that
// accepts and hangs up at once does not.
const GOOD_CONNECTION = 1000;

/** Doubling delays with jitter: of many clients that lost one broker, no two come back at the same moment. */
export class Backoff {
  readonly #min: number;
  readonly #max: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: BackoffOptions = {}) {
    this.#min = options.minDelay ?? 100;
    this.#max = options.maxDelay ?? 5000;
    this.#random = options.random ?? Math.random;
    if (!(this.#min > 0) || !(this.#max >= this.#min)) {
      throw new TypeError('reconnect: needs 0 < minDelay <= maxDelay, in milliseconds');
    }
  }

  /** The next delay, in milliseconds: between half of the doubled delay and all of it. */
  next(): number {
    const delay = Math.min(this.#max, this.#min * 2 ** Math.min(this.#attempts, 30));
    this.#attempts++;
    return delay * (0.5 + this.#random() / 2);
  }

  /** A connection ended that had lasted `lasted` milliseconds. */
  ended(lasted: number): void {
    if (lasted >= GOOD_CONNECTION) this.#attempts = 0;
  }
}
