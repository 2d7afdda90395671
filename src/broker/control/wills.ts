// Last wills: what is published when a connection ends and its client did not mean it (docs/protocol.md#feature-will).

import { canonical, isPattern } from '../../channels/index.js';
import type { Codec, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { TTL_KEY } from '../../link/kept-control.js';
import * as presenceControl from '../../link/presence-control.js';
import type { Desk } from '../desk.js';
import { forbidden } from '../desk.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

/** Of one will, as its client sent it. */
const LONGEST = 64 * 1024;

interface Will {
  readonly frame: Uint8Array;
  readonly codec: Codec;
}

export class Wills implements ControlPart {
  readonly features = ['will'] as const;
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #publish: (session: Session, view: MessageView, codec: Codec) => void;
  readonly #wills = new Map<Session, Will>();
  #closed = false;

  /** @param publish - as if the session had sent it. */
  constructor(desk: Desk, publish: (session: Session, view: MessageView, codec: Codec) => void) {
    this.#desk = desk;
    this.#publish = publish;
    this.handlers = {
      [presenceControl.WILL]: {
        request: true,
        feature: 'will',
        handle: (session, view, codec) => this.#hear(session, view, codec),
      },
      [presenceControl.BYE]: {
        request: true,
        feature: 'will',
        handle: (session) => {
          this.#wills.delete(session);
          return false;
        },
      },
    };
  }

  /** The broker ends: that its clients lose their connections says nothing of them. */
  close(): void {
    this.#closed = true;
  }

  ended(session: Session): void {
    const will = this.#wills.get(session);
    if (will === undefined) return;
    this.#wills.delete(session);
    if (this.#closed) return;
    const { frame, codec } = will;
    const reader = codec.createReader(this.#desk.limits);
    const deframer = codec.framing.createDeframer(frame.length);
    deframer.push(frame, {
      frame: (bytes, start, end) => this.#publish(session, reader.read(bytes, start, end), codec),
      refused: (error) => this.#desk.count(session, error, undefined),
    });
  }

  #hear(session: Session, view: MessageView, codec: Codec): boolean {
    const { channel } = view.head;
    const will = presenceControl.readWill(codec.decodeBody(view));
    const error = will === undefined ? malformed() : will === null ? undefined : this.#objection(session, view, will);
    if (error !== undefined) this.#desk.refuse(session, error, channel);
    else if (will === null || will === undefined) this.#wills.delete(session);
    else this.#wills.set(session, { frame: this.#write(will, codec), codec });
    return false;
  }

  #objection(session: Session, view: MessageView, will: presenceControl.WillBody): SpokeError | undefined {
    const target = canonical(will.channel);
    if (target.startsWith('-control/') || isPattern(target)) return malformed();
    if (view.bodyEnd - view.bodyStart > LONGEST) {
      return new SpokeError('LIMIT_EXCEEDED', `a will has at most ${LONGEST} bytes`, { details: { limit: LONGEST } });
    }
    return this.#desk.mayPublish(session, target) ? undefined : forbidden(session, 'publish', target);
  }

  #write({ channel, body, persist, ttl }: presenceControl.WillBody, codec: Codec): Uint8Array {
    const { sink } = this.#desk.turn;
    const head = { channel, persist: persist === true, ...(ttl !== undefined && { fields: { [TTL_KEY]: ttl } }) };
    return sink.copyLast(codec.encode(head, body, sink));
  }
}

function malformed(): SpokeError {
  const text = `${presenceControl.WILL} takes {channel, body, persist, ttl}, a channel that can be published on, or null`;
  return new SpokeError('MALFORMED', text);
}
