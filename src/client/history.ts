// Reading history: subscriptions from some place on, durable ones, and the past alone (docs/protocol.md#feature-history).

import { canonical } from '../channels/index.js';
import type { ClientCodec, Clock, HeadView } from '../contracts/index.js';
import { SpokeError, withCode } from '../contracts/index.js';
import { rangesOf } from '../link/ack-control.js';
import type { FromBody, HandledBody, HistoryBody } from '../link/history-control.js';
import {
  DURABLE_NAME_LENGTH,
  HANDLED,
  HISTORY_KEY,
  isDurableName,
  MAX_WINDOW,
  readMark,
  readOpened,
} from '../link/history-control.js';
import { Durables } from './durables.js';
import { HistoryMessage } from './history-message.js';
import type { HistoryOwner, HistoryRange } from './history-subscription.js';
import { HistorySubscription } from './history-subscription.js';
import type { Offer } from './offer.js';
import type { WaitOptions } from './options.js';
import type { Requests } from './requests.js';
import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, Subscription } from './subscription.js';
import { waitFor } from './wait-for.js';

/** What is read of the past. */
export interface HistoryOptions {
  /** A time (as the engine stored it), a sequence, or `'start'`. Default: `'start'`. */
  readonly from?: Date | number | 'start';
  /** Ends before what was stored later. Default: with what is there when reading begins. */
  readonly to?: Date;
  /** Ends after so many messages. Default: none. */
  readonly limit?: number;
  /** Messages that wait at this client at the most, 1 to 1,000. Default 100. */
  readonly inFlight?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

export interface HistoryHost {
  readonly url: string;
  readonly clock: Clock;
  readonly codec: ClientCodec;
  readonly offer: Offer;
  readonly requests: Requests;
  readonly iteratorMessages: number;
  /** Milliseconds that closing takes at the most. */
  readonly closeTimeout: number;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
  report(error: SpokeError): void;
}

/** What is to be told of one subscription at the end of a turn. */
interface Handled {
  readonly done: number[];
  readonly again: [number, number][];
  more: number;
}

// Milliseconds.
const RETRY = 500;
/** Codes after which it is worth to ask again. */
const PASSING: readonly string[] = ['STORE_FAILED', 'TIMEOUT'];

export class Histories {
  readonly durables: Durables;
  readonly #host: HistoryHost;
  readonly #owner: HistoryOwner;
  readonly #all = new Set<HistorySubscription>();
  // Of the present connection.
  readonly #byNumber = new Map<number, HistorySubscription>();
  readonly #handled = new Map<HistorySubscription, Handled>();
  /** Being closed at the broker. */
  readonly #leaving = new Set<Promise<unknown>>();
  #nonce = '';
  #last = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(host: HistoryHost) {
    this.#host = host;
    this.durables = new Durables((op, more, options) => this.#ask(op, more, options));
    this.#owner = {
      iteratorMessages: host.iteratorMessages,
      clock: host.clock,
      remove: (subscription) => this.#remove(subscription),
      report: (error) => host.report(error),
      done: (subscription, sequence) => this.#note(subscription, ({ done }) => done.push(sequence)),
      again: (subscription, sequence, delay) => this.#note(subscription, ({ again }) => again.push([sequence, delay])),
      suspend: (subscription) => {
        subscription.suspended = true;
        void this.#leave(subscription);
        subscription.lost();
      },
      resume: (subscription) => {
        subscription.suspended = false;
        if (!subscription.ended) void this.#reopen(subscription);
      },
    };
    host.offer.onDecided(() => {
      for (const subscription of this.#all)
        if (subscription.opened && !subscription.opening && !subscription.suspended) void this.#reopen(subscription);
    });
  }

  /** Whether anything is read: else no message need be looked at. */
  get active(): boolean {
    return this.#byNumber.size > 0;
  }

  /**
   * Subscribes with `from` or `durable`. Resolves when the broker reads for it.
   * @throws {SpokeError} `UNSUPPORTED`, `FORBIDDEN`, `DUPLICATE` (the durable has another pattern), `STORE_FAILED`, `LIMIT_EXCEEDED`,
   *   `ABORTED`, `CLOSED`.
   */
  subscribe(
    pattern: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions,
  ): Promise<HistorySubscription> {
    const { from, durable, group, slow } = options;
    if (durable !== undefined && !isDurableName(durable)) {
      throw new TypeError(`subscribe: durable must be a text of 1 to ${DURABLE_NAME_LENGTH} letters`);
    }
    if (group !== undefined || slow !== undefined) {
      throw new TypeError('subscribe: from and durable do not go with group and slow');
    }
    return this.#subscribe(pattern, handler, options, { from: fromBody(from), end: false });
  }

  /** See `client.history`. */
  async *read(pattern: string, options: HistoryOptions): AsyncGenerator<HistoryMessage, void, undefined> {
    const { from = 'start', to, limit = Infinity, inFlight, signal } = options;
    if (!(limit >= 0)) throw new TypeError('history: limit must be a number of messages');
    if (signal?.aborted === true || limit === 0) return;
    const range = { from: fromBody(from), end: true, ...(to !== undefined && { until: secondsOf(to) }) };
    const how = { ...(inFlight !== undefined && { inFlight }), ...(signal !== undefined && { signal }) };
    const subscription = await this.#subscribe(pattern, undefined, how, range);
    let count = 0;
    try {
      for await (const message of subscription) {
        if (!(message instanceof HistoryMessage)) continue;
        yield message;
        if (++count >= limit) return;
      }
      if (subscription.refusal !== undefined) throw subscription.refusal;
    } finally {
      await subscription.unsubscribe();
    }
  }

  /** Whether a message was read for one of these, and has been given to it. */
  message(view: HeadView): boolean {
    const mark = readMark(view.head.fields()[HISTORY_KEY], this.#nonce);
    if (mark === undefined) return false;
    const subscription = this.#byNumber.get(mark.n);
    const body = this.#host.codec.decodeBody(view);
    subscription?.read(new HistoryMessage(view.head, view.time, body, mark.sequence, mark.deliveries));
    return true;
  }

  /** The broker's word on one of these. */
  heard({ n, caughtUp, ended }: HistoryBody): void {
    const subscription = this.#byNumber.get(n);
    if (subscription === undefined) return;
    if (caughtUp === true) subscription.options.complete?.();
    if (ended === undefined) return;
    this.#byNumber.delete(n);
    if (ended === null) {
      this.#all.delete(subscription);
      subscription.complete();
    } else if (ended.again) this.#later(subscription);
    else this.#fail(subscription, withCode(ended.code, ended.message, {}));
  }

  welcomed(nonce: string): void {
    this.#nonce = nonce;
  }

  /** The connection has ended. */
  lost(): void {
    this.#nonce = '';
    this.#byNumber.clear();
    for (const [subscription, { done }] of this.#handled) for (const sequence of done) subscription.remember(sequence);
    this.#handled.clear();
    for (const subscription of this.#all) subscription.lost();
  }

  /** Ends all, after what is at work; resolves when nothing more is to be told. `undefined`: there is nothing to end. */
  closing(): Promise<void> | undefined {
    if (this.#all.size === 0 && this.#leaving.size === 0) return undefined;
    for (const subscription of this.#all) void subscription.unsubscribe();
    const left = Promise.allSettled(this.#leaving).then(() => {});
    const { closeTimeout: timeout, clock } = this.#host;
    return waitFor(left, { timeout }, clock, () => 'giving back what was read').catch(() => {});
  }

  closed(reason: unknown): void {
    this.#closed = { reason };
    for (const subscription of this.#all) subscription.end();
    this.#all.clear();
    this.#byNumber.clear();
  }

  async #subscribe(
    pattern: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions,
    range: HistoryRange,
  ): Promise<HistorySubscription> {
    if (this.#closed !== undefined) throw this.#closed.reason;
    if (typeof pattern !== 'string') throw new TypeError('subscribe: the pattern must be a string');
    const { inFlight = 1, ackWait = 1, signal } = options;
    if (!(Number.isInteger(inFlight) && inFlight >= 1 && inFlight <= MAX_WINDOW)) {
      throw new TypeError(`subscribe: inFlight must be a whole number from 1 to ${MAX_WINDOW}`);
    }
    if (!(ackWait > 0)) throw new TypeError('subscribe: ackWait must be a number of milliseconds above 0');
    if (signal?.aborted === true) {
      throw new SpokeError('ABORTED', `subscribing to ${pattern}: aborted`, { cause: signal.reason });
    }
    const subscription = new HistorySubscription(canonical(pattern), handler, this.#owner, options, range);
    this.#all.add(subscription);
    if (signal !== undefined) subscription.endWith(signal);
    try {
      await waitFor(this.#open(subscription), options, this.#host.clock, () => `subscribing to ${pattern}`);
      return subscription;
    } catch (error) {
      subscription.end();
      this.#all.delete(subscription);
      void this.#leave(subscription);
      throw error;
    }
  }

  async #open(subscription: HistorySubscription): Promise<void> {
    const n = ++this.#last;
    const { pattern, durable, range, place, window } = subscription;
    subscription.n = n;
    subscription.opening = true;
    this.#byNumber.set(n, subscription);
    const { end, until } = range;
    const room = Math.max(1, window - (durable === undefined ? subscription.held : 0));
    const body = {
      n,
      pattern,
      from: place,
      window: room,
      end,
      ...(durable !== undefined && { durable }),
      ...(until !== undefined && { until }),
    };
    try {
      const opened = readOpened(await this.#ask('history.open', body, {}));
      if (opened === undefined)
        throw new SpokeError('REPLY_MALFORMED', "the broker's answer to history.open is malformed");
      // It may have been asked for on a connection before.
      if (!subscription.ended) this.#byNumber.set(n, subscription);
      subscription.begun(opened.epoch, opened.next);
    } catch (error) {
      this.#byNumber.delete(n);
      throw error;
    } finally {
      subscription.opening = false;
    }
    if (subscription.ended) await this.#leave(subscription);
  }

  // Never rejects.
  async #reopen(subscription: HistorySubscription): Promise<void> {
    try {
      await this.#open(subscription);
    } catch (error) {
      if (this.#closed !== undefined || subscription.ended) return;
      if (!(error instanceof SpokeError)) throw error;
      if (PASSING.includes(error.code)) this.#later(subscription);
      // Another broker may have it.
      else if (error.code === 'UNSUPPORTED') this.#host.report(error);
      else this.#fail(subscription, error);
    }
  }

  #later(subscription: HistorySubscription): void {
    subscription.lost();
    this.#host.clock.setTimer(RETRY, () => {
      const { n, ended, opening, suspended } = subscription;
      // A number: a connection that was lost meanwhile had it begin again already.
      if (n === 0 && !ended && !opening && !suspended && this.#closed === undefined) void this.#reopen(subscription);
    });
  }

  #fail(subscription: HistorySubscription, error: SpokeError): void {
    this.#all.delete(subscription);
    subscription.end(error);
    this.#host.report(error);
  }

  async #remove(subscription: Subscription): Promise<void> {
    if (!(subscription instanceof HistorySubscription) || !this.#all.delete(subscription)) return;
    const left = this.#leaveWhenIdle(subscription);
    // Whoever unsubscribes in its own handler must not wait for that.
    if (!subscription.working) await left;
  }

  #leaveWhenIdle(subscription: HistorySubscription): Promise<void> {
    const left = subscription.idle().then(() => this.#leave(subscription));
    this.#leaving.add(left);
    return left.finally(() => this.#leaving.delete(left));
  }

  // Never rejects. What it has, and is not done with, goes to others.
  async #leave(subscription: HistorySubscription): Promise<void> {
    const { n } = subscription;
    if (this.#byNumber.get(n) !== subscription) return;
    this.#flush();
    this.#byNumber.delete(n);
    // Where there is no connection any more there is nothing to leave.
    if (this.#nonce === '') return;
    await this.#ask('history.close', { n }, { timeout: this.#host.closeTimeout }).catch(() => {});
  }

  #note(subscription: HistorySubscription, note: (handled: Handled) => void): void {
    if (this.#byNumber.get(subscription.n) !== subscription) return;
    let handled = this.#handled.get(subscription);
    if (handled === undefined) {
      if (this.#handled.size === 0) this.#host.clock.defer(() => this.#flush());
      this.#handled.set(subscription, (handled = { done: [], again: [], more: 0 }));
    }
    note(handled);
    handled.more++;
  }

  #flush(): void {
    for (const [{ n, durable }, { done, again, more }] of this.#handled) {
      const ranges = durable === undefined ? [] : rangesOf(done.sort((a, b) => a - b));
      this.#host.tell(HANDLED, { n, done: ranges, again, more } satisfies HandledBody);
    }
    this.#handled.clear();
  }

  async #ask(op: string, more: object, options: WaitOptions): Promise<unknown> {
    const { requests, offer, url } = this.#host;
    try {
      return await requests.ask({ op, ...more }, options);
    } catch (error) {
      // A broker that answers other requests, and knows nothing of this one.
      if (!(error instanceof SpokeError) || error.code !== 'MALFORMED' || offer.features?.has('history') === true)
        throw error;
      throw new SpokeError('UNSUPPORTED', `the broker at ${url} keeps no history`, { cause: error });
    }
  }
}

function fromBody(from: Date | number | 'start' | undefined): FromBody {
  if (from === undefined) return 'new';
  if (from === 'start') return from;
  if (from instanceof Date) return { time: secondsOf(from) };
  if (Number.isSafeInteger(from) && from >= 0) return { sequence: from };
  throw new TypeError("from must be a date, a sequence, or 'start'");
}

function secondsOf(date: Date): number {
  const time = date.getTime() / 1000;
  if (Number.isNaN(time)) throw new TypeError('this date is none');
  return time;
}
