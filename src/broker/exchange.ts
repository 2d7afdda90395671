// The path of a message through the broker: checked, stamped, kept, matched, written once, queued for each receiver.

import type { GroupRoute } from '../channels/index.js';
import { Router } from '../channels/index.js';
import type { Authorizer, CloseReason, Codec, Limits, Logger, MessageView, StoredMessage } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type * as control from '../link/control.js';
import type { Turn } from '../link/index.js';
import { groupInterest } from '../link/group-control.js';
import { TTL_KEY } from '../link/kept-control.js';
import {
  Acking,
  Authenticating,
  Bridging,
  Closing,
  Controls,
  Grouping,
  Heartbeat,
  Keeping,
  Ping,
  Requests,
  Slowness,
  Subscribing,
} from './control/index.js';
import type { Admission } from './admission.js';
import type { DeskParts } from './desk.js';
import { Desk } from './desk.js';
import { Replays } from './replay.js';
import type { Retained } from './retained.js';
import { Seen } from './seen.js';
import type { Session, SessionOwner } from './session.js';
import type { Transcoder } from './transcoder.js';

export interface ExchangeParts {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly turn: Turn;
  readonly retained: Retained;
  readonly transcoder: Transcoder;
  readonly authorizer: Authorizer | undefined;
  readonly admission: Admission;
  readonly server: control.ServerIdentity;
  /** All there are. */
  readonly sessions: Iterable<Session>;
  /** Whether control messages are passed on. */
  readonly showControl: boolean;
  /** Whether subscribers may have publishers wait. */
  readonly allowHold: boolean;
  readonly ended: (session: Session, reason: CloseReason) => void;
}

interface Range {
  readonly block: Uint8Array;
  readonly start: number;
  /** 0: there is nothing to send. */
  readonly end: number;
}

const DASH = 0x2d;

/** Everything that happens to messages between the sessions of one broker. */
export class Exchange implements SessionOwner {
  readonly router = new Router<Session>();
  /** Who has to log in first, and does. */
  readonly authenticating: Authenticating;
  readonly #counters = { received: 0, delivered: 0, discarded: 0 };
  readonly #parts: ExchangeParts;
  readonly #turn: Turn;
  readonly #desk: Desk;
  readonly #replays: Replays;
  readonly #acking: Acking;
  readonly #bridging: Bridging;
  readonly #closing: Closing;
  readonly #grouping: Grouping;
  readonly #slowness: Slowness;
  readonly #controls: Controls;
  readonly #futureSeconds: number;
  readonly #foreign = new Map<Codec, Range>();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#turn = parts.turn;
    this.#futureSeconds = parts.limits.clockSkew / 1000;
    this.#desk = new Desk({ ...parts, takesLogins: parts.admission.takesLogins });
    this.#replays = new Replays(parts.retained.store, this.#desk, (session, message) => this.#replay(session, message));
    const { transcoder, sessions, server } = parts;
    const { store } = parts.retained;
    const seen = new Seen({ forgotten: (origin) => this.#acking.forgotten(origin) });
    this.#acking = new Acking(this.#desk, seen, store, (id) => this.#bridging.knows(id));
    this.#bridging = new Bridging({
      desk: this.#desk,
      replays: this.#replays,
      transcoder,
      store,
      tombstones: parts.retained.tombstones,
      published: seen,
      id: server.id,
      subscribed: () => this.#subscribed(sessions),
    });
    const keeping = new Keeping({
      desk: this.#desk,
      retained: parts.retained,
      router: this.router,
      transcoder,
      pass: (channel, time, from) => this.#bridging.cleared(channel, time, from),
    });
    this.#closing = new Closing(this.#desk);
    this.#grouping = new Grouping(this.#desk, this.router, this.#bridging);
    this.authenticating = new Authenticating({
      desk: this.#desk,
      admission: parts.admission,
      identified: (session) => this.#identified(session),
    });
    this.#slowness = new Slowness(this.#desk, parts.allowHold);
    const controls = [
      this.authenticating,
      new Subscribing(this.#desk, this.router, this.#replays, this.#bridging),
      { features: ['errors'] as const },
      new Ping(this.#desk, this.#replays),
      new Heartbeat(parts.turn.clock),
      this.#acking,
      new Requests(this.#desk, [keeping]),
      keeping,
      this.#grouping,
      this.#slowness,
      this.#bridging,
      this.#closing,
    ];
    this.#controls = new Controls(this.#desk, controls, server, this.authenticating);
    this.#admit(parts.authorizer);
  }

  /** Counted since the start. */
  get counters() {
    const repeated = this.#bridging.repeated + this.#acking.repeated;
    return { ...this.#counters, refused: this.#desk.refused, repeated };
  }

  /** Other rules hold from now on, for everyone who is connected. */
  obey(rules: Pick<DeskParts, 'authorizer' | 'takesLogins'>): void {
    this.#desk.obey(rules);
    this.#admit(rules.authorizer);
    for (const session of this.#parts.sessions) session.forgetAnswers();
  }

  /** The store was opened. */
  opened(): void {
    this.#parts.retained.restore(this.#turn.seconds);
    this.#acking.restore();
  }

  /** The broker ends: so do its sessions, each when it can. */
  close(): void {
    for (const session of this.#parts.sessions) this.#closing.tell(session);
  }

  // Hot: called once per message. Nothing is allocated on the way of an ordinary one.
  message(session: Session, view: MessageView, codec: Codec): void {
    this.#turn.relieve();
    this.#counters.received++;
    const { head, time } = view;
    const { channel } = head;
    if (time !== undefined && time > this.#turn.seconds + this.#futureSeconds) {
      this.#refuse(session, view, futureTime(channel, time, this.#parts.limits.clockSkew));
      return;
    }
    const handler = channel.charCodeAt(0) === DASH ? this.#controls.find(session, channel) : undefined;
    if (!this.#desk.open) {
      const objection = this.#desk.objection(session, channel, handler?.request === true);
      if (objection !== undefined) {
        this.#refuse(session, view, objection);
        return;
      }
    }
    if (handler !== undefined && !(handler.handle(session, view, codec) && this.#parts.showControl)) return;
    const acked = view.id !== undefined && this.#acking.concerns(session, view);
    if (view.id !== undefined && !(acked ? this.#acking : this.#bridging).admits(session, view)) return;
    if (view.id !== undefined && this.#passToGroup(session, view, codec)) return;
    if (head.persist) {
      this.#persist(session, view, codec, acked);
      return;
    }
    const route = this.router.find(channel);
    if (route.targets.length > 0) this.#deliver(session, route.targets, view, time ?? this.#turn.seconds, codec);
    if (route.groups.length > 0 || this.#bridging.active)
      this.#deliverToGroups(session, route.groups, view, time, codec);
    if (this.#bridging.active) this.#bridging.forward(session, view, time ?? this.#turn.seconds, codec);
    if (acked) this.#acking.applied(session, view, undefined);
  }

  refused(session: Session, error: SpokeError): void {
    this.#acking.unread(session, error);
    this.#desk.refuse(session, error, undefined);
  }

  drained(session: Session): void {
    if (this.#slowness.resume(session)) this.#replays.resume(session);
  }

  ended(session: Session, reason: CloseReason): void {
    this.#controls.ended(session);
    this.#parts.ended(session, reason);
  }

  // Asked when a route is found, and remembered with it: rules cost nothing per message.
  #admit(authorizer: Authorizer | undefined): void {
    const narrows = authorizer?.allowsSome !== undefined;
    const admits = narrows ? (session: Session, channel: string) => this.#desk.mayReceive(session, channel) : undefined;
    this.router.admit(admits);
    this.#bridging.admit(admits);
  }

  // Its routes are sought again, and no others.
  #identified(session: Session): void {
    session.forgetAnswers();
    for (const pattern of session.patterns) {
      this.router.unsubscribe(pattern, session);
      this.router.subscribe(pattern, session);
    }
    this.#grouping.identified(session);
  }

  /**
   * @param written - the frame in the codec of the message, when the caller wrote it already.
   */
  #deliver(
    from: Session,
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

  #deliverToGroups(
    from: Session,
    groups: readonly GroupRoute<Session>[],
    view: MessageView,
    time: number | undefined,
    codec: Codec,
  ): void {
    if (this.#bridging.chooses(from)) return;
    const beyond = this.#bridging.groups(view.head.channel);
    this.#grouping.deliver(groups, beyond, {
      from,
      view,
      time: time ?? this.#turn.seconds,
      codec,
      to: this.#countDelivered,
    });
  }

  /** Whether it is for a member of a group, by the choice of another broker, and nobody else. */
  #passToGroup(from: Session, view: MessageView, codec: Codec): boolean {
    const { head, time = this.#turn.seconds } = view;
    const group = this.#bridging.groupOf(from, view);
    if (group === undefined) return false;
    const { groups } = this.router.find(head.channel);
    const beyond = this.#bridging.groups(head.channel);
    this.#grouping.deliverTo(group, groups, beyond, { from, view, time, codec, to: this.#countDelivered });
    return true;
  }

  readonly #countDelivered = (): void => void this.#counters.delivered++;

  // Encoded once per foreign codec and message: `#foreign` holds what the current message already has.
  #deliverForeign(from: Session, target: Session, view: MessageView, time: number, codec: Codec): void {
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

  #encodeForeign(from: Session, view: MessageView, time: number, codec: Codec, to: Codec): Range {
    const { sink } = this.#turn;
    try {
      const length = this.#parts.transcoder.live(view, time, codec, to, sink);
      return { block: sink.block, start: sink.position - length, end: sink.position };
    } catch (error) {
      this.#desk.refuse(from, asSpokeError(error), view.head.channel);
      return { block: sink.block, start: 0, end: 0 };
    }
  }

  /** @param acked - whether its publisher waits for an answer. */
  #persist(session: Session, view: MessageView, codec: Codec, acked: boolean): void {
    const { channel } = view.head;
    const { retained } = this.#parts;
    const time =
      retained.timeFor(channel, view.time, this.#turn.seconds) ?? this.#bridging.timeOf(session, view, codec);
    const expires = expiryOf(view, time);
    if (time === undefined || (expires !== undefined && expires <= this.#turn.seconds)) {
      this.#counters.discarded++;
      if (acked) this.#acking.applied(session, view, undefined);
      return;
    }
    const { sink } = this.#turn;
    const length = codec.forward(view, time, sink);
    const frame = sink.copyLast(length);
    try {
      const stored = retained.keep({
        channel,
        time,
        codec: codec.name,
        frame,
        ...(expires !== undefined && { expires }),
      });
      if (acked) {
        if (stored !== undefined) this.#acking.note(view);
        this.#acking.applied(session, view, stored);
      } else stored?.catch((error: unknown) => this.#desk.refuse(session, asSpokeError(error), channel));
    } catch (error) {
      this.#refuse(session, view, asSpokeError(error));
      return;
    }
    const route = this.router.find(channel);
    this.#deliver(session, route.targets, view, time, codec, frame);
    if (route.groups.length > 0 || this.#bridging.active)
      this.#deliverToGroups(session, route.groups, view, time, codec);
    if (this.#bridging.active) this.#bridging.forward(session, view, time, codec);
  }

  #subscribed(sessions: Iterable<Session>): string[] {
    return [...sessions].flatMap((session) => [
      ...session.patterns,
      ...this.#grouping.membershipsOf(session).map(groupInterest),
    ]);
  }

  #refuse(session: Session, view: MessageView, error: SpokeError): void {
    if (this.#acking.concerns(session, view)) this.#acking.refuse(session, view, error);
    else this.#desk.refuse(session, error, view.head.channel);
  }

  #replay(session: Session, message: StoredMessage): void {
    const { codec } = session.link;
    const { sink } = this.#turn;
    if (codec === undefined || (!this.#desk.open && !this.#desk.mayReceive(session, message.channel))) return;
    let length = message.frame.length;
    if (codec.name === message.codec) {
      // Copied next to its neighbours, so that a whole portion leaves as one range.
      const at = sink.reserve(length);
      sink.block.set(message.frame, at);
      sink.commit(length);
    } else {
      try {
        length = this.#parts.transcoder.stored(message, codec, sink);
      } catch (error) {
        this.#parts.logger.warn({ err: error, channel: message.channel, to: session.address }, 'kept message not sent');
        return;
      }
    }
    session.link.outbox.push(sink.block, sink.position - length, sink.position);
    this.#counters.delivered++;
  }
}

/** When a persistent message is to be forgotten, in seconds. */
function expiryOf({ head }: MessageView, time: number | undefined): number | undefined {
  const ttl = head.fields()[TTL_KEY];
  return typeof ttl === 'number' && ttl > 0 && time !== undefined ? time + ttl : undefined;
}

function futureTime(channel: string, time: number, skew: number): SpokeError {
  return new SpokeError(
    'TIME_INVALID',
    `${channel}: time ${time} lies more than ${skew} ms in the future (limits.clockSkew); set the publisher's clock`,
  );
}

function asSpokeError(error: unknown): SpokeError {
  if (error instanceof SpokeError) return error;
  return new SpokeError('STORE_FAILED', error instanceof Error ? error.message : String(error), { cause: error });
}
