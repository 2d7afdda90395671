// What is left of messages that were cleared: their channels and times, so that an older one which comes late, by a bridge or
// with a time of its own, does not bring them back. Bounded in number and age.

import { matches } from '../channels/index.js';
import type { Clock, Limits, MessageStore } from '../contracts/index.js';

/** Key of the store's note of one: `time(8) made(8)`. */
const NOTE = 'gone/';

interface Tombstone {
  /** Messages up to this time are gone; seconds. */
  readonly time: number;
  /** When they were cleared, in seconds. */
  readonly made: number;
}

export class Tombstones {
  readonly #store: MessageStore;
  readonly #limits: Limits;
  readonly #clock: Clock;
  // The oldest first.
  readonly #byChannel = new Map<string, Tombstone>();

  constructor(store: MessageStore, limits: Limits, clock: Clock) {
    this.#store = store;
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#byChannel.size;
  }

  /** The store was opened. */
  restore(): void {
    const known: [string, Tombstone][] = [];
    for (const [key, value] of this.#store.notes()) {
      if (!key.startsWith(NOTE) || value.length < 16) continue;
      const data = new DataView(value.buffer, value.byteOffset);
      known.push([key.slice(NOTE.length), { time: data.getFloat64(0, true), made: data.getFloat64(8, true) }]);
    }
    known.sort(([, a], [, b]) => a.made - b.made);
    for (const [channel, tombstone] of known) this.#byChannel.set(channel, tombstone);
    this.#prune();
  }

  /** Up to which time a channel was cleared. */
  time(channel: string): number | undefined {
    return this.#byChannel.get(channel)?.time;
  }

  /** @returns the store's promise: when it is durable. */
  add(channel: string, time: number): Promise<void> | undefined {
    const made = this.#clock.now() / 1000;
    this.#byChannel.delete(channel);
    this.#byChannel.set(channel, { time, made });
    const value = new Uint8Array(16);
    const data = new DataView(value.buffer);
    data.setFloat64(0, time, true);
    data.setFloat64(8, made, true);
    const noted = this.#store.note(NOTE + channel, value);
    this.#prune();
    return noted;
  }

  /** Something newer is kept. */
  remove(channel: string): void {
    if (this.#byChannel.delete(channel)) void this.#store.note(NOTE + channel, undefined);
  }

  /** All whose channel matches one of these patterns. */
  *matching(patterns: readonly string[]): Generator<readonly [channel: string, time: number]> {
    for (const [channel, { time }] of this.#byChannel) {
      if (patterns.some((pattern) => matches(pattern, channel))) yield [channel, time];
    }
  }

  #prune(): void {
    const { clearedMessages, clearedAge } = this.#limits;
    const tooOld = (this.#clock.now() - clearedAge) / 1000;
    for (const [channel, { made }] of this.#byChannel) {
      if (this.#byChannel.size <= clearedMessages && made >= tooOld) return;
      this.remove(channel);
    }
  }
}
