// Kept messages that have a time to live: the next one to go, and a timer for it.

import type { Clock } from '../contracts/index.js';

interface Entry {
  readonly channel: string;
  /** Seconds since the epoch. */
  readonly expires: number;
}

// Milliseconds. The system's clock may be set meanwhile; a timer does not notice.
const LONGEST_WAIT = 60_000;
// Out of date entries that are not worth an effort.
const SLACK = 64;

/** Tells when a channel's message has expired: one time for each channel, the last that was said. */
export class Expiry {
  readonly #clock: Clock;
  readonly #expired: (channel: string, expires: number) => void;
  readonly #byChannel = new Map<string, number>();
  /**
   * A binary heap: each entry expires no later than the two below it, at twice its place and one or two more. Some are out
   * of date: never more than there are channels.
   */
  #heap: Entry[] = [];
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, expired: (channel: string, expires: number) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** What it holds, out of date or not. */
  get size(): number {
    return this.#heap.length;
  }

  /** Instead of what was said of the channel before. */
  add(channel: string, expires: number): void {
    if (this.#byChannel.get(channel) === expires) return;
    this.#byChannel.set(channel, expires);
    this.#tidy();
    this.#push({ channel, expires });
    if (this.#heap[0]?.channel === channel) this.#wait();
  }

  /** What is on the channel now lasts, or there is nothing any more. */
  remove(channel: string): void {
    if (this.#byChannel.delete(channel)) this.#tidy();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#byChannel.clear();
    this.#heap = [];
  }

  #wait(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const next = this.#heap[0];
    if (next === undefined || this.#closed) return;
    // Whole milliseconds: a fraction that a clock does not notice would be waited for again and again.
    const delay = Math.max(0, Math.ceil(next.expires * 1000 - this.#clock.now()));
    this.#cancel = this.#clock.setTimer(Math.min(delay, LONGEST_WAIT), () => {
      this.#cancel = undefined;
      const now = this.#clock.now();
      for (let due = this.#heap[0]; due !== undefined && due.expires * 1000 <= now; due = this.#heap[0]) {
        this.#pop();
        if (this.#byChannel.get(due.channel) !== due.expires) continue;
        this.#byChannel.delete(due.channel);
        this.#expired(due.channel, due.expires);
      }
      this.#wait();
    });
  }

  // A heap is made anew when half of it is out of date, so that this costs no more than what made it so.
  #tidy(): void {
    if (this.#heap.length < 2 * this.#byChannel.size + SLACK) return;
    this.#heap = [];
    for (const [channel, expires] of this.#byChannel) this.#push({ channel, expires });
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    for (let above = (at - 1) >> 1; at > 0; at = above, above = (at - 1) >> 1) {
      const parent = heap[above];
      if (parent === undefined || parent.expires <= entry.expires) break;
      heap[at] = parent;
      heap[above] = entry;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2]) {
        const child = heap[below];
        const smallest = heap[least];
        if (child !== undefined && smallest !== undefined && child.expires < smallest.expires) least = below;
      }
      const child = heap[least];
      if (least === at || child === undefined) return;
      heap[at] = child;
      heap[least] = last;
      at = least;
    }
  }
}
