// A subscription whose messages have been read by a contract.

import type { Message, SubscribeOptions, Subscription } from '../client/index.js';
import type { TypedMessage } from './message.js';

/** Called for each message that fits the contract; otherwise like `MessageHandler`. */
export type TypedHandler<Params, Body> = (message: TypedMessage<Params, Body>) => unknown;

/** What a subscription by a contract makes of a message; `undefined`: it does not fit, which has been reported. */
export type Reading<Params, Body> = (message: Message) => TypedMessage<Params, Body> | undefined;

/** Made by subscribing to a contract; otherwise like `Subscription`. */
export class TypedSubscription<Params = unknown, Body = unknown>
  implements AsyncIterable<TypedMessage<Params, Body>, undefined>, AsyncDisposable
{
  readonly #subscription: Subscription;
  readonly #read: Reading<Params, Body>;

  /** Not for users: `client.subscribe` makes subscriptions. */
  constructor(subscription: Subscription, read: Reading<Params, Body>) {
    this.#subscription = subscription;
    this.#read = read;
  }

  /** Canonical. */
  get pattern(): string {
    return this.#subscription.pattern;
  }

  /** As given to `client.subscribe`. */
  get options(): SubscribeOptions {
    return this.#subscription.options;
  }

  /** As of `Subscription`. */
  get missed(): number {
    return this.#subscription.missed;
  }

  /** Whether it was unsubscribed, or its client closed. */
  get ended(): boolean {
    return this.#subscription.ended;
  }

  /** As of `Subscription`. */
  async unsubscribe(): Promise<void> {
    await this.#subscription.unsubscribe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unsubscribe();
  }

  [Symbol.asyncIterator](): AsyncIterator<TypedMessage<Params, Body>, undefined> {
    return readEach(this.#subscription, this.#read);
  }
}

/** Leaves out what does not fit. */
export async function* readEach<Params, Body>(
  messages: AsyncIterable<Message>,
  read: Reading<Params, Body>,
): AsyncGenerator<TypedMessage<Params, Body>, undefined, undefined> {
  for await (const message of messages) {
    const typed = read(message);
    if (typed !== undefined) yield typed;
  }
  return undefined;
}
