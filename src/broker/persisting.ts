// The path of a persistent message: given its time, kept, acknowledged when it is durable, delivered, passed on.

import type { Route } from '../channels/index.js';
import type { Codec, Logger, MessageView, SpokeError } from '../contracts/index.js';
import { TTL_KEY } from '../link/kept-control.js';
import type { Arrival, Clustering } from './cluster/clustering.js';
import { foreignId } from './cluster/envelope.js';
import type { Acking } from './control/acking.js';
import type { Bridging } from './control/bridging.js';
import type { Counters } from './counters.js';
import type { Desk } from './desk.js';
import { asSpokeError } from './errors.js';
import type { FanOut } from './fan-out.js';
import type { GroupDelivery } from './group-delivery.js';
import type { Retained } from './retained.js';
import type { Session } from './session.js';

export interface PersistingParts {
  readonly desk: Desk;
  readonly logger: Logger;
  /** Who gets the message at hand. */
  readonly find: (channel: string) => Route<Session>;
  readonly retained: Retained;
  readonly acking: Acking;
  readonly bridging: Bridging;
  /** `undefined`: this broker is alone. */
  readonly clustering: Clustering | undefined;
  readonly fanOut: FanOut;
  readonly groups: GroupDelivery;
  readonly counters: Counters;
  readonly refuse: (session: Session, view: MessageView, error: SpokeError) => void;
}

export class Persisting {
  readonly #parts: PersistingParts;

  constructor(parts: PersistingParts) {
    this.#parts = parts;
  }

  /** @param acked - whether its publisher waits for an answer. */
  publish(session: Session, view: MessageView, codec: Codec, acked: boolean): void {
    const { channel } = view.head;
    const { retained, clustering, bridging, acking, desk, counters } = this.#parts;
    const { turn } = desk;
    let time = retained.timeFor(channel, view.time, turn.seconds) ?? bridging.timeOf(session, view, codec);
    // Another broker may have kept it: the engine knows, and if it is new, it comes back from there.
    const again = clustering !== undefined && acked && acking.moved(session);
    if (again && view.time === undefined) time = clustering.timeAgain(channel, time);
    const expires = expiryOf(view, time);
    if (time === undefined || (expires !== undefined && expires <= turn.seconds)) {
      counters.discarded++;
      if (acked) acking.applied(session, view, undefined);
      return;
    }
    const { sink } = turn;
    const length = codec.forward(view, time, sink);
    const frame = sink.copyLast(length);
    const id = foreignId(view, acked, bridging.has(session));
    let name: string | undefined;
    try {
      const message = { channel, time, codec: codec.name, frame, ...(expires !== undefined && { expires }) };
      let stored: Promise<void> | undefined;
      if (clustering === undefined) stored = retained.keep(message);
      else {
        if (!again) void retained.keep(message);
        ({ name, stored } = clustering.keep(message, id, again));
        if (again) {
          acking.applied(session, view, stored);
          return;
        }
      }
      if (acked) {
        if (stored !== undefined) acking.note(view);
        acking.applied(session, view, stored);
      } else stored?.catch((error: unknown) => desk.refuse(session, asSpokeError(error), channel));
    } catch (error) {
      this.#parts.refuse(session, view, asSpokeError(error));
      return;
    }
    const { fanOut, groups, find } = this.#parts;
    const route = find(channel);
    fanOut.deliver(session, route.targets, view, time, codec, frame);
    if (route.groups.length > 0 || groups.beyond) groups.deliver(session, route.groups, view, time, codec, id);
    if (bridging.active) bridging.forward(session, view, time, codec, name);
  }

  /**
   * By the cluster.
   * @param name - what it is called between brokers.
   * @param given - as the id of an `Envelope`, when a client of this broker has published it; `undefined`: that of another one.
   */
  arrived(
    view: MessageView,
    time: number,
    codec: Codec,
    frame: Uint8Array,
    name: string,
    given: string | undefined,
  ): Arrival {
    const { channel } = view.head;
    const { retained, bridging, desk } = this.#parts;
    const kept = retained.store.get(channel);
    if (kept?.time === time && equal(kept.frame, frame)) return 'same';
    const expires = expiryOf(view, time);
    if (expires !== undefined && expires <= desk.turn.seconds) return 'expired';
    if (retained.timeFor(channel, time, time) === undefined && !bridging.wins(view, time, codec)) return 'older';
    try {
      void retained.keep({ channel, time, codec: codec.name, frame, ...(expires !== undefined && { expires }) });
    } catch (error) {
      this.#parts.logger.error({ err: error, channel }, 'a message that other brokers keep is not kept here');
      return 'failed';
    }
    // From now on it is not new, whichever way it comes.
    if (bridging.active) bridging.admitsNamed(name);
    const { fanOut, groups, find } = this.#parts;
    const route = find(channel);
    fanOut.deliver(undefined, route.targets, view, time, codec, frame);
    if (given !== undefined) groups.deliver(undefined, route.groups, view, time, codec, given);
    if (bridging.active) bridging.forward(undefined, view, time, codec, name);
    return 'applied';
  }
}

/** When a persistent message is to be forgotten, in seconds. */
function expiryOf({ head }: MessageView, time: number | undefined): number | undefined {
  const ttl = head.fields()[TTL_KEY];
  return typeof ttl === 'number' && ttl > 0 && time !== undefined ? time + ttl : undefined;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
