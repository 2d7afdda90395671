// `-control/subscribe` and `-control/unsubscribe` (docs/protocol.md#control-messages).

import type { Router } from '../../channels/index.js';
import { canonical } from '../../channels/index.js';
import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import * as control from '../../link/control.js';
import type { Desk } from '../desk.js';
import type { Replays } from '../replay.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';
import { overLimit, overTotal } from './pattern-limits.js';

/** What a client subscribes to for its pings with a broker that does not know them. */
const OWN_PINGS = /^-control\/ping\/[^/*]+\/\*$/;

/** Is told of every pattern of every session. */
export interface SubscriptionWatcher {
  subscribed(pattern: string, session: Session): void;
  unsubscribed(pattern: string, session: Session): void;
}

export class Subscribing implements ControlPart {
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #replays: Replays;
  readonly #watcher: SubscriptionWatcher;

  constructor(desk: Desk, router: Router<Session>, replays: Replays, watcher: SubscriptionWatcher) {
    this.#desk = desk;
    this.#router = router;
    this.#replays = replays;
    this.#watcher = watcher;
    this.handlers = {
      [control.SUBSCRIBE]: {
        request: true,
        handle: (session, view, codec) => {
          const pattern = this.#patternOf(session, view, codec);
          return pattern !== undefined && this.#subscribe(session, pattern);
        },
      },
      [control.UNSUBSCRIBE]: {
        request: true,
        handle: (session, view, codec) => {
          const pattern = this.#patternOf(session, view, codec);
          if (pattern !== undefined && session.patterns.delete(pattern)) this.#unsubscribe(session, pattern);
          return pattern !== undefined;
        },
      },
    };
  }

  ended(session: Session): void {
    for (const pattern of session.patterns) this.#unsubscribe(session, pattern);
    session.patterns.clear();
    this.#replays.forget(session);
  }

  // `undefined`: nothing is to be done.
  #patternOf(session: Session, view: MessageView, codec: Codec): string | undefined {
    const { channel } = view.head;
    const body = codec.decodeBody(view);
    if (typeof body !== 'string') {
      const error = new SpokeError('MALFORMED', `${channel} takes a pattern, a string, as its body`);
      this.#desk.refuse(session, error, channel);
      return undefined;
    }
    const pattern = canonical(body);
    // A client that pings before it was welcomed makes sure of any broker. Here it need not, and a monitor on `**` is
    // not to see it.
    return session.features.has('ping') && OWN_PINGS.test(pattern) ? undefined : pattern;
  }

  #subscribe(session: Session, pattern: string): boolean {
    const error = this.#check(session, pattern);
    if (error !== undefined) {
      this.#desk.refuse(session, error, control.SUBSCRIBE, pattern);
      return false;
    }
    session.patterns.add(pattern);
    this.#desk.changed(session);
    session.slow?.changed();
    if (this.#router.subscribe(pattern, session)) this.#watcher.subscribed(pattern, session);
    this.#replays.start(session, pattern);
    return true;
  }

  #unsubscribe(session: Session, pattern: string): void {
    session.slow?.changed();
    this.#desk.changed(session);
    this.#router.unsubscribe(pattern, session);
    this.#watcher.unsubscribed(pattern, session);
  }

  #room(session: Session, pattern: string): SpokeError | undefined {
    return session.patterns.has(pattern) ? undefined : overTotal(this.#desk.limits, this.#router.size);
  }

  #check(session: Session, pattern: string): SpokeError | undefined {
    const patterns = session.patterns.has(pattern) ? 0 : session.patterns.size;
    const error = overLimit(session.limits, pattern, patterns) ?? this.#room(session, pattern);
    if (error !== undefined) return error;
    if (!this.#desk.maySubscribeSome(session, pattern)) return this.#desk.forbid(session, 'subscribe to', pattern);
    return undefined;
  }
}
