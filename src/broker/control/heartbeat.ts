// Notices clients that are gone without a word: a cable pulled, a machine asleep. Only of those that promised to let
// hear of themselves (docs/protocol.md#feature-heartbeat); of others the system's keep-alive tells, hours later.

import type { Clock } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type * as control from '../../link/control.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

// A promise may be late by one interval and a half: half of it for the network, one for a client that was busy.
const PATIENCE = 2.5;
const SHORTEST = 1000;
const LONGEST = 24 * 60 * 60 * 1000;

/** Watches the sessions of one broker. */
export class Heartbeat implements ControlPart {
  readonly features = ['heartbeat'] as const;
  readonly #clock: Clock;
  readonly #watched = new Map<Session, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  welcomed(session: Session, { heartbeat }: control.HelloBody): void {
    this.ended(session);
    if (!session.features.has('heartbeat') || heartbeat === undefined) return;
    this.#wait(session, PATIENCE * Math.min(Math.max(heartbeat, SHORTEST), LONGEST));
  }

  ended(session: Session): void {
    this.#watched.get(session)?.();
    this.#watched.delete(session);
  }

  #wait(session: Session, time: number): void {
    const { link, address } = session;
    const heard = link.chunks;
    const cancel = this.#clock.setTimer(time, () => {
      this.#watched.delete(session);
      if (link.ended) return;
      // What is not read cannot be heard.
      if (link.chunks !== heard || link.paused) this.#wait(session, time);
      else
        link.fail(new SpokeError('CONNECTION_LOST', `${address} has been silent for ${time} ms`, { retryable: true }));
    });
    this.#watched.set(session, cancel);
  }
}
