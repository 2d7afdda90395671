// Asks the authenticator who somebody is, within a time, and not for those who keep guessing.

import type { Authenticator, Clock, Identity, Limits, Logger, LoginPeer } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { FailedLogins } from './failed-logins.js';

export interface AdmissionParts {
  readonly authenticator: Authenticator | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Of one broker. */
export class Admission {
  authenticator: Authenticator | undefined;
  readonly #parts: AdmissionParts;
  readonly #failed: FailedLogins;
  // Ends the waiting for one answer each.
  readonly #waiting = new Set<(reason: unknown) => void>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.authenticator = parts.authenticator;
    this.#failed = new FailedLogins(parts.clock);
  }

  /** Whether somebody who is nobody yet may log in. */
  get takesLogins(): boolean {
    return this.authenticator?.takesLogins === true;
  }

  /**
   * Who it is, or why it is not let in. Never rejects: a failure is a refusal.
   * @param ended - aborts when the connection has ended.
   */
  async ask(peer: LoginPeer, ended?: AbortSignal): Promise<Identity | SpokeError> {
    const { address, login } = peer;
    const { logger } = this.#parts;
    if (login !== undefined && this.#failed.tooMany(address)) {
      return refusal('too many logins from this address have failed; try again in a minute');
    }
    let identity;
    try {
      identity = await this.#inTime(peer, ended);
    } catch (error) {
      // Nobody's guess: it does not count as one.
      logger.error({ err: error, from: address }, 'the authenticator failed; not let in');
      return refusal(`${address} was not let in: it cannot be found out who it is`);
    }
    if (identity !== undefined) return identity;
    if (login !== undefined) this.#failed.add(address);
    else if (this.takesLogins)
      return refusal('this broker wants to know who you are: log in, with a token or a password');
    else logger.warn({ from: address }, 'not let in');
    return refusal(`${address} was not let in${login === undefined ? '' : ': the login is not right'}`);
  }

  /** The broker closes. */
  close(reason: unknown): void {
    for (const stop of this.#waiting) stop(reason);
  }

  async #inTime(peer: LoginPeer, ended: AbortSignal | undefined): Promise<Identity | undefined> {
    const { clock, limits } = this.#parts;
    const abort = new AbortController();
    let giveUp = (): void => {};
    const gaveUp = new Promise<undefined>((resolve) => (giveUp = () => resolve(undefined)));
    const stop = (reason: unknown): void => {
      abort.abort(reason);
      giveUp();
    };
    const onEnd = (): void => stop(ended?.reason);
    const { connectTimeout } = limits;
    const cancel = clock.setTimer(connectTimeout, () => {
      stop(new SpokeError('TIMEOUT', `${peer.address} was not authenticated in ${connectTimeout} ms`));
    });
    this.#waiting.add(stop);
    ended?.addEventListener('abort', onEnd);
    try {
      return await Promise.race([this.authenticator?.authenticate(peer, abort.signal), gaveUp]);
    } finally {
      cancel();
      this.#waiting.delete(stop);
      ended?.removeEventListener('abort', onEnd);
    }
  }
}

function refusal(text: string): SpokeError {
  return new SpokeError('UNAUTHENTICATED', text);
}
