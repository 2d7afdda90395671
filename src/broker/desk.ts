// What the broker has to say to one connection, and what that connection may do.

import type { Authorizer, Limits, Logger } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { Turn } from '../link/index.js';
import * as control from '../link/control.js';
import type { Session } from './session.js';

export interface DeskParts {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly turn: Turn;
  readonly authorizer: Authorizer | undefined;
}

/** Serves all sessions of one broker. */
export class Desk {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly turn: Turn;
  /** Whether everyone may do everything. */
  readonly open: boolean;
  /** Refused since the start. */
  refused = 0;
  readonly #authorizer: Authorizer | undefined;

  constructor(parts: DeskParts) {
    this.limits = parts.limits;
    this.logger = parts.logger;
    this.turn = parts.turn;
    this.#authorizer = parts.authorizer;
    this.open = parts.authorizer === undefined;
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

  /** As `refuse`, for those who are told in another way. */
  count(session: Session, error: SpokeError, channel: string | undefined): void {
    this.refused++;
    session.refusals++;
    // One line per connection, not per message: whoever floods the broker must not flood its log.
    if (session.refusals === 1) {
      this.logger.warn({ code: error.code, from: session.address, channel }, `refused: ${error.message}`);
    }
  }

  /** The authorizer's answer is remembered for the life of the connection. */
  mayPublish(session: Session, channel: string): boolean {
    return session.mayPublish(channel, (asked) => this.#allows(session, 'publish', asked));
  }

  maySubscribe(session: Session, pattern: string): boolean {
    return this.#allows(session, 'subscribe', pattern);
  }

  #allows(session: Session, action: 'publish' | 'subscribe', target: string): boolean {
    if (this.#authorizer === undefined) return true;
    try {
      return this.#authorizer.allows(session.identity ?? { name: 'anonymous' }, action, target);
    } catch (error) {
      this.logger.error({ err: error, action, target }, 'the authorizer failed; refused');
      return false;
    }
  }
}

/** @param action - `publish` or `subscribe to`. */
export function forbidden(session: Session, action: string, target: string): SpokeError {
  const who = session.identity?.name ?? 'anonymous';
  return new SpokeError('FORBIDDEN', `${who} may not ${action} ${target}`);
}
