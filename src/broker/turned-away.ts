// Newcomers for whom there is no place. Who says hello soon, in a language that this broker knows, is told why; others are cut.

import type { Clock, Codec, Connection, Limits, MessageView, SpokeError } from '../contracts/index.js';
import * as control from '../link/control.js';
import type { Turn } from '../link/index.js';
import { blockOutboxes, Link, Recognition } from '../link/index.js';

/** So many at a time are listened to, for so many milliseconds and bytes of a first message. */
const ROOM = 64;
const PATIENCE = 1000;
const FIRST_BYTES = 16 * 1024;

export interface TurnedAwayParts {
  readonly codecs: readonly Codec[];
  readonly limits: Limits;
  readonly clock: Clock;
  readonly turn: Turn;
}

/** Of one broker. */
export class TurnedAway {
  /** So many were. */
  count = 0;
  readonly #parts: TurnedAwayParts;
  // One for all: codecs remember heads by it.
  readonly #limits: Limits;
  readonly #listening = new Set<Link<MessageView, Codec>>();

  constructor(parts: TurnedAwayParts) {
    this.#parts = parts;
    this.#limits = { ...parts.limits, messageBytes: Math.min(parts.limits.messageBytes, FIRST_BYTES) };
  }

  take(connection: Connection, why: SpokeError): void {
    this.count++;
    // What comes in messages has a farewell that says why, in any language.
    if (connection.boundaries === 'stream' && this.#listening.size < ROOM) this.#listen(connection, why);
    else connection.abort(why);
  }

  /** Cuts those that are listened to. */
  close(why: SpokeError): void {
    for (const link of this.#listening) link.fail(why);
  }

  #listen(connection: Connection, why: SpokeError): void {
    const { codecs, clock, turn } = this.#parts;
    const cancel = clock.setTimer(PATIENCE, () => link.fail(why));
    const link: Link<MessageView, Codec> = new Link(
      connection,
      {
        message: (view, codec) => {
          this.#answer(link, view, codec, why);
          link.end(why);
        },
        refused: () => link.fail(why),
        drain: () => {},
        close: () => {
          cancel();
          this.#listening.delete(link);
        },
      },
      {
        recognition: new Recognition(connection, codecs),
        limits: this.#limits,
        makeOutbox: blockOutboxes(turn, { outboundBytes: Infinity }),
      },
    );
    this.#listening.add(link);
    link.start();
  }

  // The nonce says that it is an answer to that hello: nobody else knows it.
  #answer(link: Link<MessageView, Codec>, view: MessageView, codec: Codec, { code, message }: SpokeError): void {
    if (view.head.channel !== control.HELLO) return;
    const hello = control.readGreeting(codec.decodeBody(view));
    if (hello?.features.includes('errors') !== true) return;
    const { sink, seconds: time } = this.#parts.turn;
    const body = { code, message, nonce: hello.nonce };
    const length = codec.encode({ channel: control.ERROR, time }, body, sink);
    link.outbox.push(sink.block, sink.position - length, sink.position);
  }
}
