// A subscription as a member of a group.

import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, SubscriptionOwner } from './subscription.js';
import { Subscription } from './subscription.js';

/** Made by `client.subscribe` with a `group`. */
export class GroupSubscription extends Subscription {
  readonly group: string;
  readonly #leave: () => Promise<void>;
  #left: Promise<void> | undefined;

  /** Not for users: `client.subscribe` makes subscriptions. */
  constructor(
    pattern: string,
    group: string,
    handler: MessageHandler | undefined,
    owner: SubscriptionOwner,
    options: SubscribeOptions,
  ) {
    super(pattern, handler, owner, options);
    this.group = group;
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
}
