// The path of a message through the broker: checked, stamped, kept, matched, written once, queued for each receiver.

import type { GroupRoute } from '../channels/index.js';
import { Router } from '../channels/index.js';
import type {
  Authorizer,
  Backplane,
  CloseReason,
  Codec,
  Limits,
  Logger,
  MessageView,
  StoredMessage,
} from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type * as control from '../link/control.js';
import type { Turn } from '../link/index.js';
import { groupInterest } from '../link/group-control.js';
import { TTL_KEY } from '../link/kept-control.js';
import {
  Acking,
  Authenticating,
  Bridging,
  Calling,
  Closing,
  Controls,
  Grouping,
  Heartbeat,
  Keeping,
  Ping,
  Presence,
  Requests,
  Slowness,
  Subscribing,
  Wills,
} from './control/index.js';
import type { Admission } from './admission.js';
import type { DeskParts } from './desk.js';
import { Desk } from './desk.js';
import type { Arrival } from './cluster/clustering.js';
import { Clustering } from './cluster/clustering.js';
import type { ClearedBy } from './control/keeping.js';
import type { SubscriptionWatcher } from './control/subscribing.js';
import { Providers } from './providers.js';
import { Intake } from './intake.js';
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
  /** `undefined`: this broker is alone. */
  readonly backplane: Backplane | undefined;
  readonly random: () => number;
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
  readonly presence: Presence;
  /** Who has to log in first, and does. */
  readonly authenticating: Authenticating;
  readonly #counters = { received: 0, delivered: 0, discarded: 0 };
  readonly #parts: ExchangeParts;
  readonly #turn: Turn;
  readonly #desk: Desk;
  readonly #providers = new Providers();
  readonly #intake: Intake;
  readonly #replays: Replays;
  readonly #acking: Acking;
  readonly #bridging: Bridging;
  /** Not in a cluster yet: what is provided at other brokers of it is not known. */
  readonly #calling: Calling | undefined;
  readonly #closing: Closing;
  readonly #grouping: Grouping;
  readonly #slowness: Slowness;
  readonly #wills: Wills;
  readonly #controls: Controls;
  readonly #keeping: Keeping;
  readonly #clustering: Clustering | undefined;
  readonly #futureSeconds: number;
  readonly #foreign = new Map<Codec, Range>();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#turn = parts.turn;
    this.#futureSeconds = parts.limits.clockSkew / 1000;
    this.#desk = new Desk({ ...parts, takesLogins: parts.admission.takesLogins });
    this.#intake = new Intake(this.#desk, parts.sessions);
    this.#replays = new Replays(parts.retained.store, this.#desk, (session, message) => this.#replay(session, message));
    const { transcoder, sessions, server } = parts;
    const { store } = parts.retained;
    const seen = new Seen({ forgotten: (origin) => this.#acking.forgotten(origin) });
    this.#acking = new Acking(
      this.#desk,
      seen,
      store,
      (id) => this.#bridging.knows(id) || this.#clustering?.knows(`${id.origin}:${id.sequence}`) === true,
    );
    this.#clustering = parts.backplane?.joins === true ? this.#makeClustering(parts.backplane) : undefined;
    this.#bridging = new Bridging({
      desk: this.#desk,
      replays: this.#replays,
      transcoder,
      store,
      tombstones: parts.retained.tombstones,
      published: seen,
      providers: this.#providers,
      id: server.id,
      subscribed: () => this.#subscribed(sessions),
      cluster: this.#clustering,
    });
    this.#keeping = new Keeping({
      desk: this.#desk,
      retained: parts.retained,
      router: this.router,
      transcoder,
      pass: (channel, time, from) => this.#passCleared(channel, time, from),
    });
    if (this.#clustering === undefined)
      this.#calling = new Calling(this.#desk, this.router, this.#providers, this.#bridging);
    this.#closing = new Closing(this.#desk);
    this.#grouping = new Grouping(this.#desk, this.router, this.#bridging);
    this.authenticating = new Authenticating({
      desk: this.#desk,
      admission: parts.admission,
      identified: (session) => this.#identified(session),
    });
    this.#slowness = new Slowness(this.#desk, parts.allowHold);
    this.presence = new Presence(this.#desk, (session) => this.#grouping.membershipsOf(session));
    this.#wills = new Wills(this.#desk, (session, view, codec) => this.message(session, view, codec));
    const controls = [
      // First: what is published then still has all that the session had.
      this.#wills,
      this.authenticating,
      new Subscribing(this.#desk, this.router, this.#replays, this.#watchers()),
      { features: ['errors'] as const },
      new Ping(this.#desk, this.#replays, this.#clustering),
      new Heartbeat(parts.turn.clock),
      this.#acking,
      new Requests(this.#desk, [this.#keeping, this.presence]),
      this.#keeping,
      // Not offered in a cluster yet: it would be a group for each broker.
      ...(this.#clustering === undefined ? [this.#grouping] : []),
      this.#slowness,
      this.presence,
      ...(this.#calling === undefined ? [] : [this.#calling]),
      this.#bridging,
      this.#closing,
    ];
    this.#controls = new Controls(this.#desk, controls, server, this.authenticating);
    this.#admit(parts.authorizer);
  }

  /** Counted since the start. */
  get counters() {
    const repeated = this.#bridging.repeated + this.#acking.repeated;
    const { unfinishedBytes, throttled, cut } = this.#intake;
    const cluster = this.#clustering?.stats;
    return {
      ...this.#counters,
      refused: this.#desk.refused,
      repeated,
      unfinishedBytes,
      throttled,
      cut,
      ...(cluster !== undefined && { cluster }),
    };
  }

  /** Other rules hold from now on, for everyone who is connected. */
  obey(rules: Pick<DeskParts, 'authorizer' | 'takesLogins'>): void {
    this.#desk.obey(rules);
    this.#admit(rules.authorizer);
    for (const session of [...this.#parts.sessions]) {
      session.forgetAnswers();
      this.authenticating.review(session);
    }
  }

  /** The store was opened. */
  opened(): void {
    this.#parts.retained.restore(this.#turn.seconds);
    this.#acking.restore();
  }

  /** Resolves when no remote call is in flight. */
  async quiet(): Promise<void> {
    await this.#calling?.quiet();
  }

  /** The broker ends: so do its sessions, each when it can. */
  close(): void {
    this.#wills.close();
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
      if (!session.admitted) {
        // Of somebody who is nobody yet nothing goes on to others.
        handler?.handle(session, view, codec);
        return;
      }
    }
    if (handler !== undefined && !(handler.handle(session, view, codec) && this.#parts.showControl)) return;
    const unfit = this.#clustering?.refuses(view);
    if (unfit !== undefined) {
      this.#refuse(session, view, unfit);
      return;
    }
    const acked = view.id !== undefined && this.#acking.concerns(session, view);
    if (view.id !== undefined && !(acked ? this.#acking : this.#bridging).admits(session, view)) return;
    const isCall = !head.persist && this.#calling?.concerns(session, channel) === true;
    if (isCall && this.#calling?.admits(session, channel) === false) return;
    if (view.id !== undefined && this.#passToGroup(session, view, codec)) {
      if (isCall) this.#calling?.made(session, channel);
      return;
    }
    if (head.persist) {
      this.#persist(session, view, codec, acked);
      return;
    }
    const route = this.router.find(channel);
    if (route.targets.length > 0) this.#deliver(session, route.targets, view, time ?? this.#turn.seconds, codec);
    if (route.groups.length > 0 || this.#bridging.active)
      this.#deliverToGroups(session, route.groups, view, time, codec);
    let name: string | undefined;
    if (this.#clustering !== undefined) {
      const id = this.#foreignId(session, view, acked);
      name = this.#clustering.forward(view, time ?? this.#turn.seconds, codec, id);
    }
    if (this.#bridging.active) this.#bridging.forward(session, view, time ?? this.#turn.seconds, codec, name);
    if (isCall) this.#calling?.made(session, channel);
    if (acked) this.#acking.applied(session, view, undefined);
  }

  /** Joins the other brokers. @throws as `Backplane.open`. */
  async join(signal: AbortSignal): Promise<void> {
    await this.#clustering?.open(signal);
  }

  async leave(): Promise<void> {
    await this.#clustering?.close();
  }

  refused(session: Session, error: SpokeError): void {
    this.#acking.unread(session, error);
    this.#desk.refuse(session, error, undefined);
  }

  heard(session: Session, bytes: number): void {
    this.#intake.heard(session, bytes);
  }

  drained(session: Session): void {
    if (this.#slowness.resume(session)) this.#replays.resume(session);
  }

  ended(session: Session, reason: CloseReason): void {
    this.#intake.ended(session);
    this.#controls.ended(session);
    this.#parts.ended(session, reason);
  }

  // Asked when a route is found, and remembered with it: rules cost nothing per message.
  #admit(authorizer: Authorizer | undefined): void {
    const narrows = authorizer?.allowsSome !== undefined;
    const admits = narrows ? (session: Session, channel: string) => this.#desk.mayReceive(session, channel) : undefined;
    this.router.admit(admits);
    this.#bridging.admit(admits);
    this.#providers.admit(admits);
  }

  // Its routes are sought again, and no others.
  #identified(session: Session): void {
    session.forgetAnswers();
    for (const pattern of session.patterns) {
      this.router.unsubscribe(pattern, session);
      this.router.subscribe(pattern, session);
    }
    this.#grouping.identified(session);
    this.#desk.changed(session);
    this.#providers.identified(session);
  }

  /**
   * @param written - the frame in the codec of the message, when the caller wrote it already.
   */
  #deliver(
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

  readonly #countDelivered = (member: Session): void => {
    this.#counters.delivered++;
    this.#calling?.given(member);
  };

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
      const length = this.#parts.transcoder.live(view, time, codec, to, sink);
      return { block: sink.block, start: sink.position - length, end: sink.position };
    } catch (error) {
      if (from !== undefined) this.#desk.refuse(from, asSpokeError(error), view.head.channel);
      return { block: sink.block, start: 0, end: 0 };
    }
  }

  /** @param acked - whether its publisher waits for an answer. */
  #persist(session: Session, view: MessageView, codec: Codec, acked: boolean): void {
    const { channel } = view.head;
    const { retained } = this.#parts;
    let time = retained.timeFor(channel, view.time, this.#turn.seconds) ?? this.#bridging.timeOf(session, view, codec);
    // Another broker may have kept it: the engine knows, and if it is new, it comes back from there.
    const again = this.#clustering !== undefined && acked && this.#acking.moved(session);
    if (again && view.time === undefined) time = this.#clustering?.timeAgain(channel, time);
    const expires = expiryOf(view, time);
    if (time === undefined || (expires !== undefined && expires <= this.#turn.seconds)) {
      this.#counters.discarded++;
      if (acked) this.#acking.applied(session, view, undefined);
      return;
    }
    const { sink } = this.#turn;
    const length = codec.forward(view, time, sink);
    const frame = sink.copyLast(length);
    let name: string | undefined;
    try {
      const message = { channel, time, codec: codec.name, frame, ...(expires !== undefined && { expires }) };
      let stored: Promise<void> | undefined;
      if (this.#clustering === undefined) stored = retained.keep(message);
      else {
        if (!again) void retained.keep(message);
        ({ name, stored } = this.#clustering.keep(message, this.#foreignId(session, view, acked), again));
        if (again) {
          this.#acking.applied(session, view, stored);
          return;
        }
      }
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
    if (this.#bridging.active) this.#bridging.forward(session, view, time, codec, name);
  }

  #makeClustering(plane: Backplane): Clustering {
    const { retained, transcoder, server, random } = this.#parts;
    const { store, tombstones } = retained;
    return new Clustering({
      plane,
      desk: this.#desk,
      transcoder,
      store,
      tombstones,
      id: server.id,
      random,
      deliver: (view, time, codec, frame, name) => this.#arrived(view, time, codec, frame, name),
      keep: (view, time, codec, frame, name) => this.#arrivedToKeep(view, time, codec, frame, name),
      clear: (channel, time) => this.#keeping.clearedElsewhere(channel, time),
    });
  }

  // Of another broker of the cluster.
  #arrived(view: MessageView, time: number, codec: Codec, frame: Uint8Array, name: string): number | undefined {
    if (this.#bridging.active && !this.#bridging.admitsNamed(name)) return undefined;
    const targets = this.router.route(view.head.channel);
    if (targets.length > 0) this.#deliver(undefined, targets, view, time, codec, frame);
    const bridges = this.#bridging.active ? this.#bridging.forward(undefined, view, time, codec, name) : 0;
    return targets.length + bridges;
  }

  #arrivedToKeep(view: MessageView, time: number, codec: Codec, frame: Uint8Array, name: string): Arrival {
    const { channel } = view.head;
    const { retained } = this.#parts;
    const kept = retained.store.get(channel);
    if (kept?.time === time && equal(kept.frame, frame)) return 'same';
    const expires = expiryOf(view, time);
    if (expires !== undefined && expires <= this.#turn.seconds) return 'expired';
    if (retained.timeFor(channel, time, time) === undefined && !this.#bridging.wins(view, time, codec)) return 'older';
    try {
      void retained.keep({ channel, time, codec: codec.name, frame, ...(expires !== undefined && { expires }) });
    } catch (error) {
      this.#parts.logger.error({ err: error, channel }, 'a message that other brokers keep is not kept here');
      return 'failed';
    }
    // From now on it is not new, whichever way it comes.
    if (this.#bridging.active) this.#bridging.admitsNamed(name);
    this.#deliver(undefined, this.router.route(channel), view, time, codec, frame);
    if (this.#bridging.active) this.#bridging.forward(undefined, view, time, codec, name);
    return 'applied';
  }

  #passCleared(channel: string, time: number, from: ClearedBy): Promise<void> | undefined {
    this.#bridging.cleared(channel, time, typeof from === 'object' ? from : undefined);
    if (this.#clustering === undefined || from === 'cluster') return undefined;
    if (from !== 'expiry') return this.#clustering.cleared(channel, time);
    this.#clustering.expired(channel);
    return undefined;
  }

  // What others than this broker call a message, as in an `Envelope`.
  #foreignId(session: Session, view: MessageView, acked: boolean): string {
    if (view.id === undefined) return '';
    if (acked) return `;${view.id}`;
    return this.#bridging.has(session) ? view.id : '';
  }

  #watchers(): SubscriptionWatcher {
    const clustering = this.#clustering;
    if (clustering === undefined) return this.#bridging;
    return {
      subscribed: (pattern, session) => {
        this.#bridging.subscribed(pattern, session);
        clustering.subscribed(pattern);
      },
      unsubscribed: (pattern, session) => {
        this.#bridging.unsubscribed(pattern, session);
        clustering.unsubscribed(pattern);
      },
    };
  }

  #subscribed(sessions: Iterable<Session>): string[] {
    const subscribed = [...sessions].flatMap((session) => [
      ...session.patterns,
      ...this.#grouping.membershipsOf(session).map(groupInterest),
    ]);
    // What clients of other brokers want is known to the engine alone.
    if (this.#clustering !== undefined) subscribed.push('**');
    return subscribed;
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

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
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
