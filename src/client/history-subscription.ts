// A subscription that reads history: one message at a time, each answered for.

import { SpokeError } from '../contracts/index.js';
import type { Clock } from '../contracts/index.js';
import type { FromBody } from '../link/history-control.js';
import type { HistoryMessage } from './history-message.js';
import type { Message } from './message.js';
import { textOf } from './report.js';
import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, SubscriptionOwner } from './subscription.js';
import { Subscription } from './subscription.js';

/** What it needs of its client. */
export interface HistoryOwner extends SubscriptionOwner {
  readonly clock: Clock;
  /** Of a durable, one is done; there is room for one more. */
  done(subscription: HistorySubscription, sequence: number): void;
  /** Of a durable, one has to come again after so many milliseconds; there is room for one more. */
  again(subscription: HistorySubscription, sequence: number, delay: number): void;
  /** Gives all that it has back, until `resume`. */
  suspend(subscription: HistorySubscription): void;
  resume(subscription: HistorySubscription): void;
}

/** What is read, apart from the pattern. */
export interface HistoryRange {
  readonly from: FromBody;
  /** It ends with what was there when it began. */
  readonly end: boolean;
  /** Seconds. */
  readonly until?: number;
}

// Milliseconds.
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 60_000;
const ACK_WAIT = 30_000;
/** Done here, when the broker could not be told. */
const MAX_LATE = 1000;
const DONE = { done: true, value: undefined } as const;

/** Made by `client.subscribe` with `from` or `durable`. */
export class HistorySubscription extends Subscription {
  /** Names it on the present connection. */
  n = 0;
  /** Whether the broker has been asked, and has not answered. */
  opening = false;
  opened = false;
  suspended = false;
  readonly durable: string | undefined;
  readonly range: HistoryRange;
  /** Messages that may wait here. */
  readonly window: number;
  /** Of the history's numbers. */
  epoch = '';
  readonly #owner: HistoryOwner;
  readonly #handler: MessageHandler | undefined;
  readonly #late = new Set<number>();
  #next: number | undefined;
  #queue: HistoryMessage[] = [];
  /** At work, and under which number it came. */
  #current: HistoryMessage | undefined;
  #currentNumber = 0;
  #cancelTimer: (() => void) | undefined;
  #complete = false;
  #wake: (() => void) | undefined;
  #idle: (() => void)[] = [];

  /** Not for users: `client.subscribe` makes subscriptions. */
  constructor(
    pattern: string,
    handler: MessageHandler | undefined,
    owner: HistoryOwner,
    options: SubscribeOptions,
    range: HistoryRange,
  ) {
    // It has a queue of its own, which loses nothing.
    super(pattern, handler ?? (() => {}), owner, options);
    this.#handler = handler;
    this.#owner = owner;
    this.durable = options.durable;
    this.window = options.inFlight ?? 100;
    this.range = range;
  }

  /** Not for users: whether its handler is at work. */
  get working(): boolean {
    return this.#current !== undefined && this.#handler !== undefined;
  }

  /** Not for users: where it goes on. */
  get place(): FromBody {
    if (this.durable !== undefined || this.#next === undefined) return this.range.from;
    return { sequence: this.#next, epoch: this.epoch };
  }

  /** Not for users: messages that it has. */
  get held(): number {
    return this.#queue.length + (this.#current === undefined ? 0 : 1);
  }

  /** Not for users: the broker reads for it. */
  begun(epoch: string, next: number): void {
    this.opened = true;
    if (this.durable !== undefined) return;
    if (this.epoch !== epoch) this.#next = undefined;
    this.epoch = epoch;
    this.#next ??= next;
  }

  /** Not for users: the client hands over what was read. */
  read(message: HistoryMessage): void {
    if (this.ended) return;
    const { sequence } = message;
    if (this.durable === undefined) this.#next = Math.max(this.#next ?? 0, sequence + 1);
    else if (this.#late.delete(sequence)) {
      this.#owner.done(this, sequence);
      return;
    }
    this.#queue.push(message);
    this.#look();
  }

  /** Not for users: the connection was lost, or its messages were given back. What a durable has comes again. */
  lost(): void {
    this.n = 0;
    if (this.durable !== undefined) this.#queue = [];
  }

  /** Not for users: there is nothing more than what it has. */
  complete(): void {
    this.#complete = true;
    this.#look();
  }

  /** Not for users: resolves when no message is at work. */
  async idle(): Promise<void> {
    if (this.working) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Not for users: it is done, and the broker has not heard of it. If it comes again, it need not be handled twice here. */
  remember(sequence: number): void {
    this.#late.add(sequence);
    if (this.#late.size <= MAX_LATE) return;
    for (const oldest of this.#late) {
      this.#late.delete(oldest);
      break;
    }
  }

  override end(refusal?: SpokeError): void {
    super.end(refusal);
    this.#queue = [];
    this.#cancelTimer?.();
    this.#wake?.();
  }

  override [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return {
      next: async () => {
        if (this.#current !== undefined) this.#finish(true);
        while (this.#queue.length === 0 && !this.ended) {
          if (this.#complete) this.end();
          else await new Promise<void>((resolve) => (this.#wake = resolve));
        }
        const message = this.#queue.shift();
        if (message === undefined) return DONE;
        this.#begin(message);
        return { done: false, value: message };
      },
      return: async () => {
        await this.unsubscribe();
        return DONE;
      },
    };
  }

  #look(): void {
    this.#wake?.();
    if (this.#handler === undefined || this.#current !== undefined) return;
    const message = this.#queue.shift();
    if (message !== undefined) {
      this.#begin(message);
      void this.#handle(this.#handler, message);
    } else if (this.#complete && !this.ended) this.end();
  }

  // Never rejects.
  async #handle(handler: MessageHandler, message: HistoryMessage): Promise<void> {
    let okay = true;
    try {
      await handler(message);
    } catch (cause) {
      okay = false;
      const where = `handler of ${this.pattern}, message on ${message.channel}`;
      this.#owner.report(new SpokeError('HANDLER_FAILED', `${where}: ${textOf(cause)}`, { cause }));
    }
    this.#finish(okay);
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#look();
  }

  #begin(message: HistoryMessage): void {
    this.#current = message;
    this.#currentNumber = this.n;
    const { ackWait = ACK_WAIT } = this.options;
    if (this.durable === undefined || ackWait === Infinity) return;
    this.#cancelTimer = this.#owner.clock.setTimer(ackWait, () => {
      const text = `${message.channel}: a message has been in work for ${ackWait} ms (ackWait), and is given to others`;
      this.#owner.report(new SpokeError('TIMEOUT', text, { details: { pattern: this.pattern } }));
      this.#owner.suspend(this);
    });
  }

  #finish(okay: boolean): void {
    const message = this.#current;
    if (message === undefined) return;
    this.#current = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { sequence, deliveries } = message;
    const ours = this.#currentNumber === this.n && !this.suspended;
    if (this.durable === undefined || (ours && okay)) this.#owner.done(this, sequence);
    else if (ours) this.#owner.again(this, sequence, Math.min(FIRST_DELAY * 2 ** (deliveries - 1), LONGEST_DELAY));
    else if (okay) this.remember(sequence);
    if (this.suspended) this.#owner.resume(this);
  }
}
