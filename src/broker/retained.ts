// The rules of persistent messages: the newest per channel by time, within limits (docs/protocol.md#persistent-messages).

import type { Limits, Logger, MessageStore, StoredMessage } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

// Two updates within one tick of the clock get times this far apart: a microsecond, about the resolution of a double.
const STEP_SECONDS = 1e-6;

/** Decides what is kept, in a `MessageStore`. */
export class Retained {
  readonly store: MessageStore;
  readonly #limits: Limits;
  readonly #logger: Logger;
  #failing = false;

  constructor(store: MessageStore, limits: Limits, logger: Logger) {
    this.store = store;
    this.#limits = limits;
    this.#logger = logger;
  }

  /**
   * The time under which a message is kept, or `undefined`: not newer than what is kept, to be discarded.
   * @param given - the publisher's time, in seconds. Without one the message is always newer: a clock that stands
   *   still or was set back never loses an update.
   * @param now - the broker's time, in seconds.
   */
  timeFor(channel: string, given: number | undefined, now: number): number | undefined {
    const kept = this.store.get(channel);
    if (given === undefined) return kept === undefined || now > kept.time ? now : kept.time + STEP_SECONDS;
    return kept === undefined || given > kept.time ? given : undefined;
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
    const stored = this.store.put(message);
    if (stored !== undefined) this.#watch(stored);
    return stored;
  }

  // Each publisher is told of its own message; the log has one line for all of a failure, and one for its end.
  #watch(stored: Promise<void>): void {
    stored.then(
      () => {
        if (this.#failing) this.#logger.warn({}, 'the store can be written again');
        this.#failing = false;
      },
      (error: unknown) => {
        if (!this.#failing) this.#logger.error({ err: error }, 'persistent messages are not durable');
        this.#failing = true;
      },
    );
  }
}
