// Kept messages that have a time to live: the next one to go, and a timer for it.

import type { Clock } from '../contracts/index.js';

interface Entry {
  readonly channel: string;
  /** Seconds since the epoch. */
  readonly expires: number;
}

// Milliseconds. The system's clock may be set meanwhile; a timer does not notice.
const LONGEST_WAIT = 60_000;

/** Tells when a channel's message has expired. Whether it is still the same message is for whoever is told to see. */
export class Expiry {
  readonly #clock: Clock;
  readonly #expired: (channel: string, expires: number) => void;
  /** A binary heap: each entry expires no later than the two below it, at twice its place and one or two more. */
  readonly #heap: Entry[] = [];
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, expired: (channel: string, expires: number) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  add(channel: string, expires: number): void {
    const heap = this.#heap;
    const entry = { channel, expires };
    let at = heap.push(entry) - 1;
    for (let above = (at - 1) >> 1; at > 0; at = above, above = (at - 1) >> 1) {
      const parent = heap[above];
      if (parent === undefined || parent.expires <= expires) break;
      heap[at] = parent;
      heap[above] = entry;
    }
    if (at === 0) this.#wait();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#heap.length = 0;
  }

  #wait(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const next = this.#heap[0];
    if (next === undefined || this.#closed) return;
    const delay = Math.max(0, next.expires * 1000 - this.#clock.now());
    this.#cancel = this.#clock.setTimer(Math.min(delay, LONGEST_WAIT), () => {
      this.#cancel = undefined;
      const now = this.#clock.now() / 1000;
      for (let due = this.#heap[0]; due !== undefined && due.expires <= now; due = this.#heap[0]) {
        this.#pop();
        this.#expired(due.channel, due.expires);
      }
      this.#wait();
    });
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
