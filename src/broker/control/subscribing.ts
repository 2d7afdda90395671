// `-control/subscribe` and `-control/unsubscribe` (docs/protocol.md#control-messages).

import type { Router } from '../../channels/index.js';
import { canonical, tokens } from '../../channels/index.js';
import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { control } from '../../link/index.js';
import type { Desk } from '../desk.js';
import { forbidden } from '../desk.js';
import type { Replays } from '../replay.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

/** What a client subscribes to for its pings with a broker that does not know them. */
const OWN_PINGS = /^-control\/ping\/[^/*]+\/\*$/;

export class Subscribing implements ControlPart {
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #replays: Replays;

  constructor(desk: Desk, router: Router<Session>, replays: Replays) {
    this.#desk = desk;
    this.#router = router;
    this.#replays = replays;
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
          if (pattern !== undefined && session.patterns.delete(pattern)) this.#router.unsubscribe(pattern, session);
          return pattern !== undefined;
        },
      },
    };
  }

  ended(session: Session): void {
    for (const pattern of session.patterns) this.#router.unsubscribe(pattern, session);
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
    this.#router.subscribe(pattern, session);
    this.#replays.start(session, pattern);
    return true;
  }

  #check(session: Session, pattern: string): SpokeError | undefined {
    const { limits } = this.#desk;
    const parts = tokens(pattern);
    const over = (what: string, limit: number, name: string) =>
      new SpokeError('LIMIT_EXCEEDED', `subscription refused: ${what} past ${limit} (limits.${name})`, {
        details: { limit },
      });
    if (pattern.length > limits.channelLength) return over('its length is', limits.channelLength, 'channelLength');
    if (parts.length > limits.channelDepth) return over('its tokens are', limits.channelDepth, 'channelDepth');
    if (parts.filter((token) => token === '**').length > limits.globstars) {
      return over('its ** are', limits.globstars, 'globstars');
    }
    if (!session.patterns.has(pattern) && session.patterns.size >= limits.subscriptions) {
      return over('subscriptions of this connection are', limits.subscriptions, 'subscriptions');
    }
    if (!this.#desk.maySubscribe(session, pattern)) return forbidden(session, 'subscribe to', pattern);
    return undefined;
  }
}
