// A received message.

import type { Head, HeadFields } from '../contracts/index.js';

/**
 * What a subscriber gets. The same object goes to every subscription that matches, body included: treat it as
 * read-only, or copy it.
 */
export class Message<T = unknown> {
  /** Canonical. */
  readonly channel: string;
  readonly body: T;
  /** When it was published, in seconds since the epoch; `undefined` from a broker that stamps nothing. */
  readonly time: number | undefined;
  /**
   * Whether it came because it is kept (`true`), or because it was published now (`false`); `undefined`: not known, in pages
   * and from brokers that do not tell.
   */
  readonly kept: boolean | undefined;
  /** Its place in the history, where it was read from there (`from`, `durable`, `client.history`). */
  declare readonly sequence: number | undefined;
  /**
   * Whether it was given to somebody before, as far as is known: then it may have been handled already, and is not in order. `undefined`: it was
   * not read from history.
   */
  declare readonly redelivered: boolean | undefined;
  readonly #head: Head;

  constructor(head: Head, time: number | undefined, body: T, kept?: boolean) {
    this.channel = head.channel;
    this.time = time;
    this.body = body;
    this.kept = kept;
    this.#head = head;
  }

  /** Whether the broker keeps it as the last value of its channel. */
  get persist(): boolean {
    return this.#head.persist;
  }

  /** All keys of the head, those of other programs included; `time` as well. */
  get head(): HeadFields {
    return { ...this.#head.fields(), ...(this.time !== undefined && { time: this.time }) };
  }
}
