// What the broker has to say to one connection, and what that connection may do.

import type { Authorizer, Identity, Limits, Logger } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { ANONYMOUS } from '../access/index.js';
import { withoutCallNumber } from '../channels/index.js';
import type { Turn } from '../link/index.js';
import * as control from '../link/control.js';
import type { Session } from './session.js';

// What a session may say that has to log in first. A subscription of its own is refused for want of a name.
const OUTSIDE = /^-control\/(?:hello$|ping\/|subscribe$|unsubscribe$)/;

export interface DeskParts {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly turn: Turn;
  readonly authorizer: Authorizer | undefined;
  /** Whether there may be sessions that have to log in first. */
  readonly takesLogins: boolean;
}

/** Serves all sessions of one broker. */
export class Desk {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly turn: Turn;
  /** Whether everyone may do everything. */
  open = true;
  /** Told that what a session subscribes to, or what is known of it, has changed. */
  changed: (session: Session) => void = () => {};
  /** Refused since the start. */
  refused = 0;
  #authorizer: Authorizer | undefined;

  constructor(parts: DeskParts) {
    this.limits = parts.limits;
    this.logger = parts.logger;
    this.turn = parts.turn;
    this.obey(parts);
  }

  /** Other rules hold from now on. */
  obey({ authorizer, takesLogins }: Pick<DeskParts, 'authorizer' | 'takesLogins'>): void {
    this.#authorizer = authorizer;
    this.open = authorizer === undefined && !takesLogins;
  }

  /** Sends a message of the broker's own to this connection alone. */
  tell(session: Session, channel: string, body: unknown): void {
    const { codec } = session.link;
    if (codec === undefined || session.link.ended) return;
    const { sink } = this.turn;
    const length = codec.encode({ channel, time: this.turn.seconds }, body, sink);
    session.link.outbox.push(sink.block, sink.position - length, sink.position);
  }

  /** Drops a message of this connection: counted, logged once, and told to whoever asked for that. */
  refuse(session: Session, error: SpokeError, channel: string | undefined, pattern?: string): void {
    this.count(session, error, channel);
    if (!session.features.has('errors')) return;
    const body: control.ErrorBody = {
      code: error.code,
      message: error.message,
      ...(channel !== undefined && { channel }),
      ...(pattern !== undefined && { pattern }),
    };
    this.tell(session, control.ERROR, body);
  }

  /** Hangs up on somebody, and says why. */
  dismiss(session: Session, error: SpokeError): void {
    this.refused++;
    // Who it claimed to be is not logged: people type their passwords into the wrong field.
    this.logger.warn({ code: error.code, from: session.address }, `ended: ${error.message}`);
    if (session.features.has('errors')) this.tell(session, control.ERROR, { code: error.code, message: error.message });
    session.link.end(error);
  }

  /** Tells a session what it should know, and the log; nothing of it is refused. */
  warn(session: Session, error: SpokeError): void {
    this.logger.warn({ code: error.code, from: session.address }, `${session.address} sends ${error.message}`);
    if (session.features.has('errors')) this.tell(session, control.ERROR, { code: error.code, message: error.message });
  }

  /** As `refuse`, for those who are told in another way. */
  count(session: Session, error: SpokeError, channel: string | undefined): void {
    this.refused++;
    session.refusals++;
    // One line per connection, not per message: whoever floods the broker must not flood its log.
    if (session.refusals === 1) {
      this.logger.warn({ code: error.code, from: session.address, channel }, `refused: ${error.message}`);
    }
  }

  /**
   * Why a message of a session is not taken; `undefined`: it is.
   * @param request - whether it is a request to the broker, permitted by what it asks for.
   */
  objection(session: Session, channel: string, request: boolean): SpokeError | undefined {
    if (!session.admitted && !OUTSIDE.test(channel)) return this.stranger('log in first, with a token or a password');
    return request || this.mayPublish(session, channel) ? undefined : forbidden(session, 'publish', channel);
  }

  /** @param text - why somebody who is nobody may not do something. */
  stranger(text: string): SpokeError {
    return new SpokeError('UNAUTHENTICATED', text);
  }

  /** The authorizer's answer is remembered for the life of the connection. */
  mayPublish(session: Session, channel: string): boolean {
    // All calls of one caller are alike: to ask about each would cost more than the call.
    return session.mayPublish(withoutCallNumber(channel) ?? channel, (asked) =>
      this.#allows(session, 'publish', asked),
    );
  }

  maySubscribe(session: Session, pattern: string): boolean {
    return session.admitted && this.#allows(session, 'subscribe', pattern);
  }

  /** Whether a subscription to a pattern may bring it anything. */
  maySubscribeSome(session: Session, pattern: string): boolean {
    const authorizer = this.#authorizer;
    if (authorizer?.allowsSome === undefined) return this.maySubscribe(session, pattern);
    try {
      return session.admitted && authorizer.allowsSome(identityOf(session), pattern);
    } catch (error) {
      this.logger.error({ err: error, action: 'subscribe', target: pattern }, 'the authorizer failed; refused');
      return false;
    }
  }

  /** Whether a session gets what anyone publishes on a channel that it is subscribed to. */
  mayReceive(session: Session, channel: string): boolean {
    return this.#authorizer?.allowsSome === undefined || this.maySubscribe(session, channel);
  }

  /** As `mayReceive`, or replies to its own calls. */
  mayReceiveSome(session: Session, channel: string): boolean {
    if (this.mayReceive(session, channel)) return true;
    try {
      return session.admitted && this.#authorizer?.allowsOwn?.(identityOf(session), channel) === true;
    } catch (error) {
      this.logger.error({ err: error, action: 'subscribe', target: channel }, 'the authorizer failed; refused');
      return false;
    }
  }

  /** Why it may not do this. @param action - `publish` or `subscribe to`. */
  forbid(session: Session, action: string, target: string): SpokeError {
    return session.admitted
      ? forbidden(session, action, target)
      : this.stranger('log in first, with a token or a password');
  }

  #allows(session: Session, action: 'publish' | 'subscribe', target: string): boolean {
    if (this.#authorizer === undefined) return true;
    try {
      return this.#authorizer.allows(identityOf(session), action, target);
    } catch (error) {
      this.logger.error({ err: error, action, target }, 'the authorizer failed; refused');
      return false;
    }
  }
}

function identityOf({ identity }: Session): Identity {
  return identity ?? ANONYMOUS;
}

/** @param action - `publish` or `subscribe to`. */
export function forbidden(session: Session, action: string, target: string): SpokeError {
  const who = session.identity?.name ?? 'anonymous';
  return new SpokeError('FORBIDDEN', `${who} may not ${inWordsOfRules(action, target)}`);
}

// `call math/square` and not the channel that this one call has.
function inWordsOfRules(action: string, target: string): string {
  const [, procedure, kind = ''] = /^([^*]+)\/-rpc\/(?:.*\/)?(call|control|result|part)$/.exec(target) ?? [];
  if (procedure === undefined) return `${action} ${target}`;
  const asks = kind === 'call' || kind === 'control';
  return `${asks === (action === 'publish') ? 'call' : 'provide'} ${procedure}`;
}
