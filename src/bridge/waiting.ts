// What waits for a side that is away or slow: in order, within a number of bytes, the oldest dropped first.

interface Waiter {
  readonly frame: Uint8Array;
  readonly persistent: boolean;
  /** When it came, on the monotonic clock. */
  readonly since: number;
}

// Taken off the front one by one: what is gone is cut away now and then.
const COMPACT = 1024;

export class WaitingFrames {
  /** Dropped since the start. */
  dropped = 0;
  readonly #limit: number;
  #frames: (Waiter | undefined)[] = [];
  #first = 0;
  #bytes = 0;

  /** @param limit - bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#frames.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest came, on the monotonic clock. */
  get since(): number | undefined {
    return this.#frames[this.#first]?.since;
  }

  /**
   * @param past - whether it may be past the limit for once: what brings more is not read until there is room.
   * @returns whether persistent messages were dropped to make room, so that what is kept has to be asked for again.
   */
  add(frame: Uint8Array, persistent: boolean, since: number, past = false): boolean {
    this.#frames.push({ frame, persistent, since });
    this.#bytes += frame.length;
    let lost = false;
    while (!past && this.#bytes > this.#limit && this.size > 0) {
      const oldest = this.#take();
      this.dropped++;
      lost ||= oldest?.persistent === true;
    }
    return lost;
  }

  take(): Uint8Array | undefined {
    return this.#take()?.frame;
  }

  /** Drops all, or those that came before a time. */
  drop(before = Infinity): void {
    for (let since = this.since; since !== undefined && since < before; since = this.since) {
      this.#take();
      this.dropped++;
    }
  }

  #take(): Waiter | undefined {
    const first = this.#frames[this.#first];
    if (first === undefined) return undefined;
    this.#frames[this.#first++] = undefined;
    this.#bytes -= first.frame.length;
    if (this.#first >= COMPACT && this.#first * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first);
      this.#first = 0;
    }
    return first;
  }
}
