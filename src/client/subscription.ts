// One use of a pattern: a handler, an async iterator, or both.

import { SpokeError } from '../contracts/index.js';
import type { Message } from './message.js';
import { MessageQueue } from './message-queue.js';
import { textOf } from './report.js';
import type { SubscribeOptions } from './subscribe-options.js';

/**
 * Called for each message, in the order of their arrival, and not awaited: a handler may call and publish on the same
 * client. What it throws or rejects with is reported as the client's `error` event.
 */
export type MessageHandler<T = unknown> = (message: Message<T>) => unknown;

/** What a subscription needs of its client. */
export interface SubscriptionOwner {
  readonly iteratorMessages: number;
  /** Forgets it, and tells the broker when nobody else uses the pattern. */
  remove(subscription: Subscription): Promise<void>;
  report(error: SpokeError): void;
}

/**
 * Made by `client.subscribe`. Read it as an async iterator (`for await (const message of subscription)`), give it a
 * handler, or both. Without a handler, messages wait for the first iterator from the start.
 */
export class Subscription implements AsyncIterable<Message, undefined>, AsyncDisposable {
  /** Canonical. */
  readonly pattern: string;
  /** As given to `client.subscribe`. */
  readonly options: SubscribeOptions;
  /**
   * Messages lost because an iterator was slower than they came (`limits.iteratorMessages`), or left out by the broker, which
   * tells so (`SubscribeOptions.slow`). Only to be read.
   */
  missed = 0;
  readonly #owner: SubscriptionOwner;
  readonly #handler: MessageHandler | undefined;
  readonly #queues = new Set<MessageQueue>();
  #unread: MessageQueue | undefined;
  #ended = false;
  #refusal: SpokeError | undefined;
  #letGoOfSignal: (() => void) | undefined;

  /** Not for users: `client.subscribe` makes subscriptions. */
  constructor(
    pattern: string,
    handler: MessageHandler | undefined,
    owner: SubscriptionOwner,
    options: SubscribeOptions = {},
  ) {
    this.pattern = pattern;
    this.options = options;
    this.#handler = handler;
    this.#owner = owner;
    if (handler === undefined) this.#unread = this.#queue();
  }

  /** Whether it was unsubscribed, or its client closed. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Ends it: no handler is called any more, iterators end after what they have queued. Other subscriptions to the same
   * pattern go on. Idempotent.
   */
  async unsubscribe(): Promise<void> {
    if (this.#ended) return;
    this.end();
    await this.#owner.remove(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unsubscribe();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    const unread = this.#unread;
    this.#unread = undefined;
    return unread ?? this.#queue();
  }

  /** Not for users: the client hands over a message. */
  deliver(message: Message): void {
    if (this.#ended) return;
    if (this.#handler !== undefined) this.#handle(this.#handler, message);
    for (const queue of this.#queues) if (!queue.push(message)) this.missed++;
  }

  /** Not for users: unsubscribes when the signal aborts, and keeps no listener on it for longer than need be. */
  endWith(signal: AbortSignal): void {
    const stop = () => void this.unsubscribe();
    signal.addEventListener('abort', stop, { once: true });
    this.#letGoOfSignal = () => signal.removeEventListener('abort', stop);
  }

  /** Not for users: why the broker refused it, if it did. */
  get refusal(): SpokeError | undefined {
    return this.#refusal;
  }

  /** Not for users: the client has closed, or the broker has refused it. */
  end(refusal?: SpokeError): void {
    this.#ended = true;
    this.#refusal ??= refusal;
    this.#letGoOfSignal?.();
    for (const queue of this.#queues) queue.end();
    this.#queues.clear();
  }

  #handle(handler: MessageHandler, message: Message): void {
    try {
      const result = handler(message);
      if (result instanceof Promise) this.watch(result, message);
    } catch (error) {
      this.failed(error, message);
    }
  }

  /** @internal */
  protected watch(result: Promise<unknown>, message: Message): void {
    result.catch((error: unknown) => this.failed(error, message));
  }

  /** @internal */
  protected failed(error: unknown, message: Message): void {
    const text = textOf(error);
    const where = `handler of ${this.pattern}, message on ${message.channel}`;
    this.#owner.report(new SpokeError('HANDLER_FAILED', `${where}: ${text}`, { cause: error }));
  }

  #queue(): MessageQueue {
    const limit = this.#owner.iteratorMessages;
    const queue = new MessageQueue(
      limit,
      () => {
        const text = `the iterator of ${this.pattern} is too slow: more than ${limit} messages wait (limits.iteratorMessages), the oldest are lost`;
        this.#owner.report(new SpokeError('SLOW_CONSUMER', text, { details: { pattern: this.pattern, limit } }));
      },
      () => this.#queues.delete(queue),
    );
    if (this.#ended) queue.end();
    else this.#queues.add(queue);
    return queue;
  }
}
