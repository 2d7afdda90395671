// Logins in a hello (docs/protocol.md#feature-auth), and the door for those who have not logged in where they must.

import type { Credentials } from '../../contracts/index.js';
import type * as control from '../../link/control.js';
import { ANONYMOUS } from '../../access/index.js';
import type { Admission } from '../admission.js';
import type { Desk } from '../desk.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

export interface AuthenticatingParts {
  readonly desk: Desk;
  readonly admission: Admission;
  /** It is someone else now: what it subscribed to may bring something else. */
  readonly identified: (session: Session) => void;
}

export class Authenticating implements ControlPart {
  readonly features = ['auth'] as const;
  readonly #parts: AuthenticatingParts;
  /** Of those that still have to log in: ends their time. */
  readonly #outside = new Map<Session, () => void>();
  readonly #asking = new Map<Session, AbortController>();

  constructor(parts: AuthenticatingParts) {
    this.#parts = parts;
  }

  grants(_session: Session, feature: control.Feature): boolean {
    return feature !== 'auth' || this.#parts.admission.authenticator !== undefined;
  }

  /** A session begins that has to log in. */
  started(session: Session): void {
    const { desk } = this.#parts;
    const { connectTimeout } = desk.limits;
    session.admitted = false;
    const cancel = desk.turn.clock.setTimer(connectTimeout, () => {
      this.#outside.delete(session);
      desk.dismiss(session, desk.stranger(`${session.address} has not logged in within ${connectTimeout} ms`));
    });
    this.#outside.set(session, cancel);
  }

  ended(session: Session): void {
    this.#outside.get(session)?.();
    this.#outside.delete(session);
    this.#asking.get(session)?.abort();
    this.#asking.delete(session);
  }

  /**
   * Before a hello is answered.
   * @param welcome - answers it.
   */
  enter(session: Session, hello: control.HelloBody, login: Credentials | undefined, welcome: () => void): void {
    const { admission, desk } = this.#parts;
    if (login !== undefined && admission.authenticator !== undefined) {
      // What follows the hello waits: it is meant under the new name.
      session.link.hold();
      void this.#login(session, login, welcome);
      return;
    }
    welcome();
    // Who has nothing to log in with need not wait until its time is up.
    if (!session.admitted && !hello.features.includes('auth')) {
      desk.dismiss(session, desk.stranger('this broker wants to know who you are: log in, with a token or a password'));
    }
  }

  /** Other users are known by now: those that are nobody any more have to go. */
  review(session: Session): void {
    const { admission, desk } = this.#parts;
    const { identity = ANONYMOUS } = session;
    if (!session.admitted || admission.authenticator?.stands?.(identity) !== false) return;
    desk.dismiss(session, desk.stranger('who you are is not known here any more'));
  }

  // Never rejects.
  async #login(session: Session, login: Credentials, welcome: () => void): Promise<void> {
    const { admission, desk, identified } = this.#parts;
    const { link } = session;
    const asking = new AbortController();
    this.#asking.set(session, asking);
    const answer = await admission.ask({ ...link.connection.peer, login }, asking.signal);
    this.#asking.delete(session);
    if (link.ended) return;
    if (answer instanceof Error) {
      // By the nonce of a welcome the error is believed.
      if (!session.features.has('errors')) welcome();
      desk.dismiss(session, answer);
      return;
    }
    this.#outside.get(session)?.();
    this.#outside.delete(session);
    session.identity = answer;
    session.admitted = true;
    identified(session);
    welcome();
    link.release();
  }
}
