// The durable subscriptions of the client's user.

import { SpokeError } from '../contracts/index.js';
import type { DurableBody } from '../link/history-control.js';
import { readDurables } from '../link/history-control.js';
import { memberOf } from '../link/kept-control.js';
import type { WaitOptions } from './options.js';

export type { DurableBody as DurableInfo } from '../link/history-control.js';

/** What there is under names that were given as `SubscribeOptions.durable`: of this client's user, from all brokers. */
export class Durables {
  readonly #ask: (op: string, more: object, options: WaitOptions) => Promise<unknown>;

  /** @internal */
  constructor(ask: (op: string, more: object, options: WaitOptions) => Promise<unknown>) {
    this.#ask = ask;
  }

  /** @throws {SpokeError} `UNSUPPORTED`, `STORE_FAILED`, `TIMEOUT`, `ABORTED`, `CLOSED`. */
  async list(options: WaitOptions = {}): Promise<DurableBody[]> {
    const durables = readDurables(memberOf(await this.#ask('history.durables', {}, options), 'durables'));
    if (durables !== undefined) return durables;
    throw new SpokeError('REPLY_MALFORMED', "the broker's answer to history.durables is malformed");
  }

  /**
   * Ends a durable subscription for good; clients that use it get a `CLOSED` as their `error` event.
   * @returns whether there was one.
   * @throws {SpokeError} as `list`.
   */
  async remove(name: string, options: WaitOptions = {}): Promise<boolean> {
    return memberOf(await this.#ask('history.remove', { durable: name }, options), 'removed') === true;
  }
}
