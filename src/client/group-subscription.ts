// A subscription as a member of a group.

import type { Message } from './message.js';
import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, SubscriptionOwner } from './subscription.js';
import { Subscription } from './subscription.js';
import type { Work } from './work.js';

/** Made by `client.subscribe` with a `group`. */
export class GroupSubscription extends Subscription {
  readonly group: string;
  readonly #leave: () => Promise<void>;
  readonly #work: Work;
  #left: Promise<void> | undefined;

  /** Not for users: `client.subscribe` makes subscriptions. */
  constructor(
    pattern: string,
    group: string,
    handler: MessageHandler | undefined,
    owner: SubscriptionOwner,
    options: SubscribeOptions,
    work: Work,
  ) {
    super(pattern, handler, owner, options);
    this.group = group;
    this.#work = work;
    this.#leave = () => owner.remove(this);
  }

  /** Not for users: whether it subscribes all the same where there are no groups. */
  get optional(): boolean {
    return this.options.groupOptional === true;
  }

  /** Not for users: whether it gets only what no other member of the same client can take. */
  get leaving(): boolean {
    return this.#left !== undefined;
  }

  /**
   * Leaves the group. What the broker has given to this member before it knows still comes to the handler, because nobody else
   * gets it; when the promise resolves, nothing more will come. Idempotent.
   */
  override async unsubscribe(): Promise<void> {
    if (this.ended) return;
    this.#left ??= this.#leave();
    await this.#left;
    this.end();
  }

  override [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return new Reading(super[Symbol.asyncIterator](), this, this.#work);
  }

  protected override watch(result: Promise<unknown>, message: Message): void {
    this.#work.begin();
    result.then(this.#work.end, (error: unknown) => {
      this.#work.end();
      this.failed(error, message);
    });
  }
}

/** A reader of a member's messages: it is at work on one from when it got it until it asks for the next. */
class Reading implements AsyncIterator<Message, undefined> {
  readonly #messages: AsyncIterator<Message, undefined>;
  readonly #subscription: Subscription;
  readonly #work: Work;
  #atWork = false;

  constructor(messages: AsyncIterator<Message, undefined>, subscription: Subscription, work: Work) {
    this.#messages = messages;
    this.#subscription = subscription;
    this.#work = work;
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    // When it has ended, what is left is there already: no moment in which nobody seems to be at work.
    if (!this.#subscription.ended) this.#rest();
    const result = await this.#messages.next();
    if (result.done === true) this.#rest();
    else if (!this.#atWork) {
      this.#atWork = true;
      this.#work.begin();
    }
    return result;
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    this.#rest();
    return (await this.#messages.return?.()) ?? { done: true, value: undefined };
  }

  #rest(): void {
    if (!this.#atWork) return;
    this.#atWork = false;
    this.#work.end();
  }
}
