// One message to all sessions that subscribe to its channel: written once for each codec, queued for each receiver.

import type { Codec, MessageView } from '../contracts/index.js';
import type { Turn } from '../link/index.js';
import type { Slowness } from './control/slowness.js';
import type { Counters } from './counters.js';
import type { Desk } from './desk.js';
import { asSpokeError } from './errors.js';
import type { Session } from './session.js';
import type { Transcoder } from './transcoder.js';

interface Range {
  readonly block: Uint8Array;
  readonly start: number;
  /** 0: there is nothing to send. */
  readonly end: number;
}

export class FanOut {
  readonly #desk: Desk;
  readonly #turn: Turn;
  readonly #transcoder: Transcoder;
  readonly #slowness: Slowness;
  readonly #counters: Counters;
  // Of the message at hand.
  readonly #foreign = new Map<Codec, Range>();

  constructor(desk: Desk, transcoder: Transcoder, slowness: Slowness, counters: Counters) {
    this.#desk = desk;
    this.#turn = desk.turn;
    this.#transcoder = transcoder;
    this.#slowness = slowness;
    this.#counters = counters;
  }

  /**
   * Hot. Nothing is allocated on the way of an ordinary message.
   * @param from - `undefined`: another broker of a cluster.
   * @param written - the frame in the codec of the message, when the caller wrote it already.
   */
  deliver(
    from: Session | undefined,
    targets: readonly Session[],
    view: MessageView,
    time: number,
    codec: Codec,
    written?: Uint8Array,
  ): void {
    const { sink } = this.#turn;
    let block = written;
    let start = 0;
    let end = written === undefined ? 0 : written.length;
    for (const target of targets) {
      if (target === from && !view.head.bounce) continue;
      if (target.link.codec !== codec) {
        this.#deliverForeign(from, target, view, time, codec);
        continue;
      }
      if (block === undefined) {
        // Written once for the whole fan-out; every receiver gets the same range.
        const length = codec.forward(view, time, sink);
        block = sink.block;
        end = sink.position;
        start = end - length;
      }
      if (target.slow === undefined || !this.#slowness.takes(target, from, view.head.channel, block, start, end)) {
        target.link.outbox.push(block, start, end);
      }
      this.#counters.delivered++;
    }
    if (this.#foreign.size > 0) this.#foreign.clear();
  }

  // Encoded once per foreign codec and message: `#foreign` holds what the current message already has.
  #deliverForeign(from: Session | undefined, target: Session, view: MessageView, time: number, codec: Codec): void {
    const to = target.link.codec;
    if (to === undefined) return;
    let range = this.#foreign.get(to);
    if (range === undefined) {
      range = this.#encodeForeign(from, view, time, codec, to);
      this.#foreign.set(to, range);
    }
    if (range.end === 0) return;
    const { block, start, end } = range;
    if (target.slow === undefined || !this.#slowness.takes(target, from, view.head.channel, block, start, end)) {
      target.link.outbox.push(block, start, end);
    }
    this.#counters.delivered++;
  }

  #encodeForeign(from: Session | undefined, view: MessageView, time: number, codec: Codec, to: Codec): Range {
    const { sink } = this.#turn;
    try {
      const length = this.#transcoder.live(view, time, codec, to, sink);
      return { block: sink.block, start: sink.position - length, end: sink.position };
    } catch (error) {
      if (from !== undefined) this.#desk.refuse(from, asSpokeError(error), view.head.channel);
      return { block: sink.block, start: 0, end: 0 };
    }
  }
}
