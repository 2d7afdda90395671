// The rules of persistent messages: the newest per channel by time, within limits, until it is cleared or expires
// (docs/protocol.md#persistent-messages).

import type { Clock, Limits, Logger, MessageStore, StoredMessage } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { Expiry } from './expiry.js';
import { Tombstones } from './tombstones.js';

// Two updates within one tick of the clock get times this far apart: a microsecond, about the resolution of a double.
const STEP_SECONDS = 1e-6;

export interface RetainedParts {
  readonly store: MessageStore;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Decides what is kept, in a `MessageStore`. */
export class Retained {
  readonly store: MessageStore;
  readonly tombstones: Tombstones;
  /** Told of every message that is kept no more, with the time up to which its channel is cleared. */
  expired: (channel: string, time: number) => void = () => {};
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #expiry: Expiry;
  #failing = false;

  constructor({ store, limits, logger, clock }: RetainedParts) {
    this.store = store;
    this.#limits = limits;
    this.#logger = logger;
    this.tombstones = new Tombstones(store, limits, clock);
    this.#expiry = new Expiry(clock, (channel, expires) => this.#expire(channel, expires));
  }

  /** The store was opened. What expired while nobody looked is gone before anyone asks. */
  restore(now: number): void {
    this.tombstones.restore();
    for (const { channel, expires } of this.store.match('**')) {
      if (expires === undefined) continue;
      if (expires <= now) this.#expire(channel, expires);
      else this.#expiry.add(channel, expires);
    }
  }

  /**
   * The time under which a message is kept, or `undefined`: not newer than what is kept or was cleared, to be discarded.
   * @param given - the publisher's time, in seconds. Without one the message is always newer: a clock that stands
   *   still or was set back never loses an update.
   * @param now - the broker's time, in seconds.
   */
  timeFor(channel: string, given: number | undefined, now: number): number | undefined {
    const newest = this.#newest(channel);
    if (given === undefined) return newest === undefined || now > newest ? now : newest + STEP_SECONDS;
    return newest === undefined || given > newest ? given : undefined;
  }

  /**
   * Keeps a message. The store owns `message.frame` from here on.
   * @throws {SpokeError} `LIMIT_EXCEEDED`; nothing was changed then.
   */
  keep(message: StoredMessage): Promise<void> | undefined {
    const { keptMessages, keptBytes } = this.#limits;
    const before = this.store.get(message.channel);
    if (before === undefined && this.store.size >= keptMessages) {
      throw new SpokeError(
        'LIMIT_EXCEEDED',
        `${message.channel}: the broker keeps ${keptMessages} messages already (limits.keptMessages)`,
        { details: { channel: message.channel, limit: keptMessages } },
      );
    }
    if (this.store.bytes - (before?.frame.length ?? 0) + message.frame.length > keptBytes) {
      throw new SpokeError(
        'LIMIT_EXCEEDED',
        `${message.channel}: keeping it would pass ${keptBytes} bytes of kept messages (limits.keptBytes)`,
        { details: { channel: message.channel, limit: keptBytes } },
      );
    }
    this.tombstones.remove(message.channel);
    if (message.expires === undefined) this.#expiry.remove(message.channel);
    else this.#expiry.add(message.channel, message.expires);
    return this.#watch(this.store.put(message));
  }

  /**
   * Forgets what is kept on a channel, up to a time, and remembers that.
   * @param time - in seconds. Default: now, or the time of what is kept if that is later.
   * @param now - the broker's time, in seconds.
   * @returns the time up to which it is cleared, and a promise as of `keep`; `undefined`: nothing changed, because something
   *   newer is kept, or it was cleared so before.
   */
  clear(
    channel: string,
    time: number | undefined,
    now: number,
  ): { readonly time: number; readonly stored: Promise<void> | undefined } | undefined {
    const kept = this.store.get(channel);
    const upTo = time ?? Math.max(now, kept?.time ?? 0);
    const before = this.tombstones.time(channel);
    if ((kept !== undefined && kept.time > upTo) || (before !== undefined && before >= upTo)) return undefined;
    this.#expiry.remove(channel);
    const noted = this.tombstones.add(channel, upTo);
    const stored = this.store.delete(channel) ?? noted;
    return { time: upTo, stored: this.#watch(stored) };
  }

  close(): void {
    this.#expiry.close();
  }

  #newest(channel: string): number | undefined {
    const kept = this.store.get(channel);
    return kept === undefined ? this.tombstones.time(channel) : kept.time;
  }

  // That it is still the same message is not taken on trust.
  #expire(channel: string, expires: number): void {
    const kept = this.store.get(channel);
    if (kept?.expires !== expires) return;
    // Not up to now: something older than now, and newer than this one, may be on its way.
    this.clear(channel, kept.time, kept.time);
    this.expired(channel, kept.time);
  }

  // Each publisher is told of its own message; the log has one line for all of a failure, and one for its end.
  #watch(stored: Promise<void> | undefined): Promise<void> | undefined {
    stored?.then(
      () => {
        if (this.#failing) this.#logger.warn({}, 'the store can be written again');
        this.#failing = false;
      },
      (error: unknown) => {
        if (!this.#failing) this.#logger.error({ err: error }, 'persistent messages are not durable');
        this.#failing = true;
      },
    );
    return stored;
  }
}
