// Who gets a message that the broker sends because it is kept: not everyone whose pattern matches, but those that asked for it
// (docs/protocol.md#feature-kept).

import type { Routes } from '../channels/index.js';
import { SpokeError } from '../contracts/index.js';
import type { ClearedBody, KeptBody } from '../link/kept-control.js';
import { textOf } from './report.js';
import type { Subscription } from './subscription.js';

/** The subscriptions of one client. Wraps what finds them by channel. */
export class KeptRoutes implements Routes<Subscription> {
  /** Whether the messages that come now are kept ones; `undefined`: the broker does not tell. */
  kept: boolean | undefined;
  readonly #routes: Routes<Subscription>;
  readonly #report: (error: SpokeError) => void;
  readonly #byPattern = new Map<string, Set<Subscription>>();
  /** Those that have had all that is kept, since the present connection stands. */
  readonly #complete = new Set<Subscription>();
  /** Those that get the kept messages that come now. */
  #audience: readonly Subscription[] | undefined;

  /** @param report - is told when a callback throws. */
  constructor(routes: Routes<Subscription>, report: (error: SpokeError) => void) {
    this.#routes = routes;
    this.#report = report;
  }

  subscribe(pattern: string, subscription: Subscription): boolean {
    const others = this.#byPattern.get(pattern);
    if (others === undefined) this.#byPattern.set(pattern, new Set([subscription]));
    else others.add(subscription);
    return this.#routes.subscribe(pattern, subscription);
  }

  unsubscribe(pattern: string, subscription: Subscription): boolean {
    this.#complete.delete(subscription);
    const others = this.#byPattern.get(pattern);
    if (others?.delete(subscription) === true && others.size === 0) this.#byPattern.delete(pattern);
    return this.#routes.unsubscribe(pattern, subscription);
  }

  route(channel: string): readonly Subscription[] {
    return this.#audience ?? this.#routes.route(channel);
  }

  clear(): void {
    this.#byPattern.clear();
    this.#complete.clear();
    this.#routes.clear();
  }

  /** It is known whether the broker of the present connection tells. */
  decide(tells: boolean): void {
    this.kept = tells ? false : undefined;
  }

  /** The connection has ended; on the next one everything that is kept comes again. */
  lost(): void {
    this.kept = undefined;
    this.#audience = undefined;
    this.#complete.clear();
  }

  /** Kept messages of a pattern begin or end. */
  bracket({ pattern, more, complete }: KeptBody): void {
    this.kept = more;
    // A second subscription to a pattern has everything sent again: the first one need not hear it.
    const waiting = [...(this.#byPattern.get(pattern) ?? [])].filter((one) => !this.#complete.has(one));
    this.#audience = more ? waiting : undefined;
    if (complete !== true) return;
    for (const subscription of waiting) {
      this.#complete.add(subscription);
      this.#call(`complete of ${pattern}`, () => subscription.options.complete?.());
    }
  }

  /** Messages are kept no more. */
  cleared({ cleared }: ClearedBody): void {
    for (const [channel, time] of cleared) {
      for (const subscription of this.#routes.route(channel)) {
        this.#call(`cleared of ${subscription.pattern}`, () => subscription.options.cleared?.(channel, time));
      }
    }
  }

  // A callback that throws harms neither the client nor the others.
  #call(what: string, callback: () => unknown): void {
    try {
      callback();
    } catch (error) {
      this.#report(new SpokeError('HANDLER_FAILED', `${what}: ${textOf(error)}`, { cause: error }));
    }
  }
}
