// What subscriptions say about being slow, told to the broker by pattern; and what it tells of what they missed.

import type { Routes } from '../channels/index.js';
import { SpokeError } from '../contracts/index.js';
import type { MissedBody, SlowBody } from '../link/slow-control.js';
import { isSlowPolicy, SLOW } from '../link/slow-control.js';
import type { Offer } from './offer.js';
import { textOf } from './report.js';
import type { Subscription } from './subscription.js';

export interface SlowHost {
  readonly offer: Offer;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
  report(error: SpokeError): void;
}

/** The subscriptions of one client. Wraps what finds them by channel. */
export class SlowSubscriptions implements Routes<Subscription> {
  readonly #routes: Routes<Subscription>;
  readonly #host: SlowHost;
  /** Those of each pattern that have said something, the latest last: its word counts. */
  readonly #byPattern = new Map<string, Set<Subscription>>();

  constructor(routes: Routes<Subscription>, host: SlowHost) {
    this.#routes = routes;
    this.#host = host;
    host.offer.onDecided(() => {
      for (const pattern of this.#byPattern.keys()) this.#tell(pattern);
    });
  }

  subscribe(pattern: string, subscription: Subscription): boolean {
    const { slow, missed } = subscription.options;
    if (slow !== undefined || missed !== undefined) {
      if (slow !== undefined && !isSlowPolicy(slow))
        throw new TypeError(`subscribe: there is no policy ${String(slow)}`);
      const others = this.#byPattern.get(pattern);
      if (others === undefined) this.#byPattern.set(pattern, new Set([subscription]));
      else others.add(subscription);
      // Otherwise it follows as soon as it is known what the broker offers.
      this.#tell(pattern);
    }
    return this.#routes.subscribe(pattern, subscription);
  }

  unsubscribe(pattern: string, subscription: Subscription): boolean {
    const others = this.#byPattern.get(pattern);
    if (others?.delete(subscription) === true) {
      if (others.size === 0) this.#byPattern.delete(pattern);
      this.#tell(pattern);
    }
    return this.#routes.unsubscribe(pattern, subscription);
  }

  route(channel: string): readonly Subscription[] {
    return this.#routes.route(channel);
  }

  clear(): void {
    this.#byPattern.clear();
    this.#routes.clear();
  }

  /** Messages of a pattern were left out. */
  missed({ pattern, missed }: MissedBody): void {
    for (const subscription of this.#byPattern.get(pattern) ?? []) {
      subscription.missed += missed;
      try {
        subscription.options.missed?.(missed);
      } catch (error) {
        this.#host.report(new SpokeError('HANDLER_FAILED', `missed of ${pattern}: ${textOf(error)}`, { cause: error }));
      }
    }
  }

  #tell(pattern: string): void {
    if (this.#host.offer.features?.has('slow') !== true) return;
    let policy: SlowBody['policy'] = null;
    for (const { options } of this.#byPattern.get(pattern) ?? []) policy = options.slow ?? policy;
    const body: SlowBody = { pattern, policy };
    this.#host.tell(SLOW, body);
  }
}
