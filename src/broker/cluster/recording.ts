// What a broker publishes on channels of which the backplane keeps history (docs/decisions/026-history.md).

import type { Backplane, Logger } from '../../contracts/index.js';
import { givenName, Kind } from './envelope.js';

export class Recording {
  /** Messages that history was to keep, and does not as far as is known. */
  unrecorded = 0;
  readonly #plane: Backplane;
  readonly #logger: Logger;
  readonly #id: string;
  #failing = false;

  /** @param id - the broker's own. */
  constructor(plane: Backplane, logger: Logger, id: string) {
    this.#plane = plane;
    this.#logger = logger;
    this.#id = id;
  }

  /**
   * Publishes a live message, and has it recorded.
   * @param id - of its envelope.
   * @returns resolves when the engine has stored it; `undefined`: nothing was done, no history keeps its channel.
   */
  live(channel: string, data: Uint8Array, sequence: number, id: string): Promise<void> | undefined {
    return this.#plane.history === undefined ? undefined : this.#record(channel, data, sequence, id);
  }

  /** As `live`, a persistent message that was published already. @param data - of that, which stays as it is. */
  kept(channel: string, data: Uint8Array, sequence: number, id: string): Promise<void> | undefined {
    if (this.#plane.history?.keeps(channel) !== true) return undefined;
    // Brokers take it from what is kept.
    const copy = data.slice();
    copy[0] = Kind.Again;
    return this.#record(channel, copy, sequence, id);
  }

  #record(channel: string, data: Uint8Array, sequence: number, id: string): Promise<void> | undefined {
    const { history } = this.#plane;
    // Calls and their results are nobody's history.
    if (history?.keeps(channel) !== true || `/${channel}`.includes('/-rpc/')) return undefined;
    // A client's number is the same wherever it is published again.
    const once = id.startsWith(';') ? givenName(id) : `${this.#id}:${sequence}`;
    const recorded = history.record(channel, data, once).then(
      () => {
        if (this.#failing) this.#logger.warn({}, 'history is kept again');
        this.#failing = false;
      },
      (error: unknown) => {
        this.unrecorded++;
        if (!this.#failing) this.#logger.error({ err: error }, 'messages are missing from history');
        this.#failing = true;
        throw error;
      },
    );
    // Whoever publishes without asking for an answer is not told.
    recorded.catch(() => {});
    return recorded;
  }
}
