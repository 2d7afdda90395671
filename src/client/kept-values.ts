// Persistent messages as state: what a client can ask its broker about them, and have it do.

import { canonical } from '../channels/index.js';
import { SpokeError } from '../contracts/index.js';
import type { KeptEntry } from '../link/kept-control.js';
import { memberOf, readEntry } from '../link/kept-control.js';
import type { PublishOptions, WaitOptions } from './options.js';
import type { Requests } from './requests.js';

export type { KeptEntry } from '../link/kept-control.js';

/** A kept message. */
export interface KeptValue<T = unknown> extends KeptEntry {
  readonly body: T;
}

export interface ClearOptions extends WaitOptions {
  /** Messages newer than this stay; seconds since the epoch. Default: none do. */
  readonly time?: number;
  /** Say how many there are, and clear none. Default `false`. */
  readonly dryRun?: boolean;
}

/** How `set` publishes: always with `persist`. */
export type SetOptions = Omit<PublishOptions, 'persist'>;

/**
 * The persistent messages that the broker keeps. For brokers of ours: others answer nothing, and every method but `set`
 * rejects with `UNSUPPORTED` then.
 */
export class KeptValues {
  readonly #requests: Requests;
  readonly #publish: (channel: string, body: unknown, options: PublishOptions) => Promise<void>;

  /** @internal */
  constructor(requests: Requests, publish: (channel: string, body: unknown, options: PublishOptions) => Promise<void>) {
    this.#requests = requests;
    this.#publish = publish;
  }

  /**
   * What is kept under a pattern, in the order of channels, without the bodies. It is asked for in portions: what changes
   * meanwhile may or may not be in it.
   * @param pattern - default: everything.
   * @throws {SpokeError} (from the loop) `FORBIDDEN`, `UNSUPPORTED`, `TIMEOUT` (of one portion), `ABORTED`, `CLOSED`.
   */
  async *list(pattern = '**', options: WaitOptions = {}): AsyncGenerator<KeptEntry, void, undefined> {
    let after: string | undefined;
    for (;;) {
      const body = { op: 'kept.list', pattern, ...(after !== undefined && { after }) };
      const answer = await this.#requests.ask(body, options);
      const entries: unknown = memberOf(answer, 'entries');
      if (!Array.isArray(entries)) throw malformed('kept.list');
      for (const entry of entries) {
        const read = readEntry(entry);
        if (read === undefined) throw malformed('kept.list');
        after = read.channel;
        yield read;
      }
      if (memberOf(answer, 'more') !== true || entries.length === 0) return;
    }
  }

  /**
   * What is kept on a channel, body included.
   * @returns `undefined`: nothing.
   * @throws {SpokeError} `FORBIDDEN`, `UNSUPPORTED`, `TIMEOUT`, `ABORTED`, `CLOSED`.
   */
  async get<T = unknown>(channel: string, options: WaitOptions = {}): Promise<KeptValue<T> | undefined> {
    const answer = await this.#requests.ask({ op: 'kept.get', channel }, options);
    if (answer === null || answer === undefined) return undefined;
    const entry = readEntry(answer);
    if (entry === undefined) throw malformed('kept.get');
    return { ...entry, body: memberOf(answer, 'body') as T };
  }

  /** Publishes a persistent message: see `client.publish`. */
  set(channel: string, body?: unknown, options: SetOptions = {}): Promise<void> {
    return this.#publish(channel, body, { ...options, persist: true });
  }

  /**
   * Clears what is kept under a pattern. Subscribers are told (`SubscribeOptions.cleared`), also those of bridged brokers, and
   * an older message that comes later does not bring it back.
   * @param pattern - a pattern, or a channel. There is no default: everything is `'**'`.
   * @returns how many were cleared; durably, if the broker's store is durable. With `dryRun`: how many would be.
   * @throws {SpokeError} `FORBIDDEN` (one of them may not be published; then none is cleared), `STORE_FAILED`, `UNSUPPORTED`,
   *   `TIMEOUT`, `ABORTED`, `CLOSED`.
   */
  async clear(pattern: string, options: ClearOptions = {}): Promise<number> {
    if (typeof pattern !== 'string') throw new TypeError('kept.clear: the pattern must be a string');
    const { time, dryRun, ...wait } = options;
    const body = {
      op: 'kept.clear',
      pattern: canonical(pattern),
      ...(time !== undefined && { time }),
      ...(dryRun === true && { dryRun }),
    };
    const cleared: unknown = memberOf(await this.#requests.ask(body, wait), 'cleared');
    if (typeof cleared !== 'number') throw malformed('kept.clear');
    return cleared;
  }
}

function malformed(op: string): SpokeError {
  return new SpokeError('REPLY_MALFORMED', `the broker's answer to ${op} is malformed`);
}
