// A ping goes back to its sender, after everything sent before has taken effect (docs/protocol.md#feature-ping).

import type { Codec, MessageView } from '../../contracts/index.js';
import * as control from '../../link/control.js';
import type { Desk } from '../desk.js';
import type { Replays } from '../replay.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

// A bigger ping does not wait for replays: what waits is held in memory.
const MAX_HELD_PING = 1024;

/** Calls back when something has taken effect; `false`: it has, and will not call back. */
export interface Barrier {
  afterwards(callback: () => void): boolean;
}

export class Ping implements ControlPart {
  readonly features = ['ping'] as const;
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #replays: Replays;
  readonly #cluster: Barrier | undefined;

  /** @param cluster - what has to have taken effect with others first. */
  constructor(desk: Desk, replays: Replays, cluster?: Barrier) {
    this.#desk = desk;
    this.#replays = replays;
    this.#cluster = cluster;
    this.handlers = {
      [control.PING_PREFIX]: {
        request: true,
        feature: 'ping',
        handle: (session, view, codec) => this.#pong(session, view, codec),
      },
    };
  }

  #pong(session: Session, view: MessageView, codec: Codec): boolean {
    const { sink, seconds } = this.#desk.turn;
    if (!view.head.bounce) return false;
    const { outbox } = session.link;
    const length = codec.forward(view, seconds, sink);
    const end = sink.position;
    if (length <= MAX_HELD_PING) {
      const frame = sink.copyLast(length);
      const push = (): void => outbox.push(frame, 0, length);
      const settled = (): void => {
        if (!session.link.ended && !this.#replays.afterwards(session, push)) push();
      };
      // A replay that is still running is waited for, and so are other brokers.
      if (this.#cluster?.afterwards(settled) === true || this.#replays.afterwards(session, push)) return false;
    }
    outbox.push(sink.block, end - length, end);
    return false;
  }
}
