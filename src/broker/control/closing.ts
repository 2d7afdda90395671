// A broker that ends lets its clients end first: what they sent until then is handled, what comes later waits for another
// broker (docs/protocol.md#feature-closing).

import { CLOSING } from '../../link/closing-control.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

/** Tells the sessions of one broker that it ends. */
export class Closing implements ControlPart {
  readonly features = ['closing'] as const;
  readonly brokersOnly = [CLOSING];
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Behind everything that waits for the session. One that cannot understand is ended. */
  tell(session: Session): void {
    if (session.features.has('closing')) this.#desk.tell(session, CLOSING, null);
    else session.link.end();
  }
}
