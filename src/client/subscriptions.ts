// All subscriptions of one client: who gets a message, and what the broker has to be told.

import type { Routes } from '../channels/index.js';
import { canonical } from '../channels/index.js';
import { SpokeError } from '../contracts/index.js';
// Not by the room's index, which keeps all of it in a page's bundle.
import * as control from '../link/control.js';
import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, SubscriptionOwner } from './subscription.js';
import { Subscription } from './subscription.js';

export interface SubscriptionsOptions {
  /** Empty. */
  readonly routes: Routes<Subscription>;
  readonly iteratorMessages: number;
  /** Sends a control message, if there is a connection. */
  readonly send: (channel: string, pattern: string, bounce?: boolean) => void;
  readonly report: (error: SpokeError) => void;
}

export class Subscriptions {
  readonly #byPattern = new Map<string, Set<Subscription>>();
  // Those of which it is not known yet whether the broker accepts them, and how to tell that it does not.
  readonly #undecided = new Map<Subscription, (error: SpokeError) => void>();
  readonly #options: SubscriptionsOptions;
  readonly #owner: SubscriptionOwner;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#owner = {
      iteratorMessages: options.iteratorMessages,
      remove: async (subscription) => {
        if (this.#forget(subscription)) options.send(control.UNSUBSCRIBE, subscription.pattern);
      },
      report: options.report,
    };
  }

  /** Those that get a message on this channel. */
  route(channel: string): readonly Subscription[] {
    return this.#options.routes.route(channel);
  }

  add(pattern: string, handler: MessageHandler | undefined, options: SubscribeOptions): Subscription {
    const { bounce, signal, group, groupOptional, durable, from } = options;
    if ((group && !groupOptional) || durable || from) throw new SpokeError('UNSUPPORTED', 'not in pages');
    const subscription = new Subscription(canonical(pattern), handler, this.#owner, options);
    const others = this.#byPattern.get(subscription.pattern);
    if (others === undefined) this.#byPattern.set(subscription.pattern, new Set([subscription]));
    else others.add(subscription);
    this.#options.routes.subscribe(subscription.pattern, subscription);
    if (signal !== undefined) subscription.endWith(signal);
    // Also when the pattern is subscribed to already: the broker then sends the kept messages to the newcomer.
    this.#options.send(control.SUBSCRIBE, subscription.pattern, bounce);
    return subscription;
  }

  /**
   * Resolves as `handled` does: when the broker has handled the subscription.
   * @throws {SpokeError} the broker's refusal, when that comes first; the subscription has ended then.
   */
  async accepted(subscription: Subscription, handled: Promise<void>): Promise<void> {
    const refused = new Promise<never>((_, reject) => this.#undecided.set(subscription, reject));
    try {
      await Promise.race([handled, refused]);
    } finally {
      this.#undecided.delete(subscription);
    }
  }

  /** The broker refused a pattern: told to those who wait for it; else it is news, unless it was unsubscribed already. */
  refused(pattern: string, error: SpokeError): void {
    const subscriptions = this.#byPattern.get(pattern) ?? [];
    let waiting = false;
    for (const subscription of [...subscriptions]) {
      const reject = this.#undecided.get(subscription);
      if (reject === undefined) continue;
      waiting = true;
      subscription.end(error);
      this.#forget(subscription);
      reject(error);
    }
    if (!waiting && this.#byPattern.has(pattern)) this.#options.report(error);
  }

  /** Tells a broker that knows nothing of them. */
  restore(): void {
    for (const [pattern, subscriptions] of this.#byPattern) {
      const bounce = [...subscriptions].some(({ options: { bounce: one } }) => one !== false);
      this.#options.send(control.SUBSCRIBE, pattern, bounce);
    }
  }

  /** Ends them all. */
  end(): void {
    for (const subscriptions of this.#byPattern.values()) for (const one of subscriptions) one.end();
    this.#byPattern.clear();
    this.#options.routes.clear();
  }

  // Returns whether it was the last one of its pattern.
  #forget(subscription: Subscription): boolean {
    const { pattern } = subscription;
    this.#undecided.delete(subscription);
    this.#options.routes.unsubscribe(pattern, subscription);
    const others = this.#byPattern.get(pattern);
    others?.delete(subscription);
    return others?.size === 0 && this.#byPattern.delete(pattern);
  }
}
