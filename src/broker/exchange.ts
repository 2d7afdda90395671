// The path of a message through the broker: checked, stamped, kept, matched, written once, queued for each receiver.

import type { Route } from '../channels/index.js';
import { Router } from '../channels/index.js';
import type { Authorizer, Backplane, CloseReason, Codec, Limits, Logger, MessageView } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type * as control from '../link/control.js';
import type { Turn } from '../link/index.js';
import { groupInterest } from '../link/group-control.js';
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
  Remembering,
  Requests,
  Slowness,
  Subscribing,
  Wills,
} from './control/index.js';
import type { Admission } from './admission.js';
import type { DeskParts } from './desk.js';
import { Desk } from './desk.js';
import { Clustering } from './cluster/clustering.js';
import type { Envelope } from './cluster/envelope.js';
import { foreignId } from './cluster/envelope.js';
import type { Peer } from './cluster/peer.js';
import type { Given } from './cluster/told.js';
import type { ClearedBy } from './control/keeping.js';
import type { Counters } from './counters.js';
import { FanOut } from './fan-out.js';
import { GroupDelivery } from './group-delivery.js';
import { Persisting } from './persisting.js';
import { Providers } from './providers.js';
import { Intake } from './intake.js';
import { Replays } from './replay.js';
import { Replies } from './replies.js';
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

/** The group of which one executes each call. */
const PROVIDERS = 'default';
const DASH = 0x2d;
const NOBODY: readonly Session[] = [];

/** Everything that happens to messages between the sessions of one broker. */
export class Exchange implements SessionOwner {
  readonly router = new Router<Session>();
  readonly presence: Presence;
  /** Who has to log in first, and does. */
  readonly authenticating: Authenticating;
  readonly #counters: Counters = { received: 0, delivered: 0, discarded: 0 };
  readonly #parts: ExchangeParts;
  readonly #turn: Turn;
  readonly #desk: Desk;
  readonly #providers = new Providers();
  readonly #intake: Intake;
  readonly #replays: Replays;
  readonly #acking: Acking;
  readonly #bridging: Bridging;
  readonly #calling: Calling;
  /** `undefined`: there are no rules. */
  #replies: Replies | undefined;
  readonly #closing: Closing;
  readonly #grouping: Grouping;
  readonly #slowness: Slowness;
  readonly #wills: Wills;
  readonly #controls: Controls;
  readonly #keeping: Keeping;
  readonly #clustering: Clustering | undefined;
  #futureSeconds: number;
  readonly #fanOut: FanOut;
  readonly #groups: GroupDelivery;
  readonly #persisting: Persisting;
  /** `undefined`: this broker is alone. */
  readonly #remembering: Remembering | undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#turn = parts.turn;
    this.#futureSeconds = parts.limits.clockSkew / 1000;
    this.#desk = new Desk({ ...parts, takesLogins: parts.admission.takesLogins });
    this.#intake = new Intake(this.#desk, parts.sessions);
    const { transcoder, sessions, server, retained } = parts;
    const { store } = retained;
    this.#replays = new Replays(store, this.#desk, transcoder, this.#counters);
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
      tombstones: retained.tombstones,
      published: seen,
      providers: this.#providers,
      id: server.id,
      subscribed: () => this.#subscribed(sessions),
      cluster: this.#clustering,
    });
    this.#keeping = new Keeping({
      desk: this.#desk,
      retained,
      router: this.router,
      transcoder,
      pass: (channel, time, from) => this.#passCleared(channel, time, from),
    });
    this.#calling = new Calling(
      this.#desk,
      this.router,
      this.#providers,
      this.#bridging,
      this.#clustering?.neighbours.calls,
    );
    this.#closing = new Closing(this.#desk);
    this.#grouping = new Grouping(this.#desk, this.router, this.#bridging, (member) => {
      this.#counters.delivered++;
      this.#calling.given(member);
      this.#replies?.given(member);
    });
    this.authenticating = new Authenticating({
      desk: this.#desk,
      admission: parts.admission,
      identified: (session) => this.#identified(session),
    });
    this.#slowness = new Slowness(this.#desk, parts.allowHold);
    this.#fanOut = new FanOut(this.#desk, transcoder, this.#slowness, this.#counters);
    const find = (channel: string): Route<Session> => this.#find(channel);
    this.#groups = new GroupDelivery({
      find,
      grouping: this.#grouping,
      bridging: this.#bridging,
      calling: this.#calling,
      members: this.#clustering?.neighbours.members,
      id: server.id,
    });
    this.#persisting = new Persisting({
      desk: this.#desk,
      logger: parts.logger,
      find,
      retained,
      acking: this.#acking,
      bridging: this.#bridging,
      clustering: this.#clustering,
      fanOut: this.#fanOut,
      groups: this.#groups,
      counters: this.#counters,
      refuse: (session, view, error) => this.#refuse(session, view, error),
    });
    this.presence = new Presence(
      this.#desk,
      (session) => this.#grouping.membershipsOf(session),
      this.#clustering?.neighbours.presence,
    );
    this.#wills = new Wills(this.#desk, (session, view, codec) => this.message(session, view, codec));
    if (parts.backplane !== undefined && this.#clustering !== undefined)
      this.#remembering = new Remembering(this.#desk, parts.backplane, transcoder, this.#counters);
    const remembering = this.#remembering === undefined ? [] : [this.#remembering];
    const controls = [
      // First: what is published then still has all that the session had.
      this.#wills,
      this.authenticating,
      new Subscribing(this.#desk, this.router, this.#replays, this.#bridging),
      { features: ['errors'] as const },
      new Ping(this.#desk, this.#replays, this.#clustering),
      new Heartbeat(parts.turn.clock),
      this.#acking,
      new Requests(this.#desk, [this.#keeping, this.presence, ...remembering]),
      this.#keeping,
      ...remembering,
      this.#grouping,
      this.#slowness,
      this.presence,
      this.#calling,
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
      this.#remembering?.review(session);
    }
  }

  /** Limits have changed. */
  limited(): void {
    this.#futureSeconds = this.#parts.limits.clockSkew / 1000;
    for (const { inflow, limits } of this.#parts.sessions) inflow.limit(limits.messagesPerSecond);
  }

  /** The store was opened. */
  opened(): void {
    this.#parts.retained.restore(this.#turn.seconds);
    this.#acking.restore();
  }

  /** Takes nothing more of other brokers; resolves when no remote call is in flight. */
  async quiet(): Promise<void> {
    this.#clustering?.withdraw();
    await this.#calling.quiet();
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
        this.#calling?.refused(session, channel, objection);
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
    const forged = this.#replies?.objection(session, channel);
    if (forged !== undefined) {
      this.#refuse(session, view, forged);
      return;
    }
    if (this.#replies?.stray === true) {
      this.#deliverStray(session, view, time ?? this.#turn.seconds, codec, acked);
      return;
    }
    const isCall = !head.persist && this.#calling.concerns(session, channel);
    if (isCall && !this.#calling.admits(session, channel)) return;
    if (view.id !== undefined && this.#groups.pass(session, view, time ?? this.#turn.seconds, codec)) {
      if (isCall && !this.#calling.made(session, channel, this.router.find(channel))) {
        // Of another group somebody else may have it.
        if (this.#bridging.groupOf(session, view) === PROVIDERS) this.#calling.missed(session, channel);
      }
      this.#replies?.passed(session, NOBODY);
      return;
    }
    if (head.persist) {
      this.#persisting.publish(session, view, codec, acked);
      return;
    }
    const route = this.#find(channel);
    if (route.targets.length > 0) this.#fanOut.deliver(session, route.targets, view, time ?? this.#turn.seconds, codec);
    if (route.groups.length > 0 || this.#groups.beyond) {
      const id = foreignId(view, acked, this.#bridging.has(session));
      this.#groups.deliver(session, route.groups, view, time ?? this.#turn.seconds, codec, id);
    }
    let name: string | undefined;
    if (this.#clustering !== undefined) {
      const id = foreignId(view, acked, this.#bridging.has(session));
      name = this.#clustering.forward(view, time ?? this.#turn.seconds, codec, id, this.#calling.takeAsker());
    }
    if (this.#bridging.active) this.#bridging.forward(session, view, time ?? this.#turn.seconds, codec, name);
    if (isCall) this.#calling.made(session, channel, route);
    this.#replies?.passed(session, route.targets);
    if (acked) this.#acking.applied(session, view, this.#clustering?.recorded);
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
    this.#remembering?.drained(session);
    if (this.#slowness.resume(session)) this.#replays.resume(session);
  }

  ended(session: Session, reason: CloseReason): void {
    this.#intake.ended(session);
    this.#replies?.ended(session);
    this.#controls.ended(session);
    this.#parts.ended(session, reason);
  }

  // Not kept, and not passed on to other brokers: they would believe it.
  #deliverStray(session: Session, view: MessageView, time: number, codec: Codec, acked: boolean): void {
    this.#fanOut.deliver(session, this.#find(view.head.channel).targets, view, time, codec);
    if (acked) this.#acking.applied(session, view, undefined);
  }

  // Who gets the message at hand.
  #find(channel: string): Route<Session> {
    const route = this.router.find(channel);
    return this.#replies === undefined ? route : this.#replies.narrow(channel, route);
  }

  // Asked when a route is found, and remembered with it: rules cost nothing per message.
  #admit(authorizer: Authorizer | undefined): void {
    const narrows = authorizer?.allowsSome !== undefined;
    const admits = narrows
      ? (session: Session, channel: string) => this.#desk.mayReceiveSome(session, channel)
      : undefined;
    if (authorizer === undefined) this.#replies = undefined;
    else this.#replies ??= new Replies({ desk: this.#desk, isBridge: (session) => this.#bridging.has(session) });
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
    this.#remembering?.review(session);
    this.#desk.changed(session);
    this.#providers.identified(session);
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
      deliver: (...message) => this.#arrived(...message),
      keep: (view, ...more) => {
        this.#replies?.objection(undefined, view.head.channel);
        return this.#persisting.arrived(view, ...more);
      },
      clear: (channel, time) => this.#keeping.clearedElsewhere(channel, time),
      take: (given, envelope, view, codec, caller) => this.#take(given, envelope, view, codec, caller),
      interest: (wanted, there) => this.#bridging.wantedInCluster(wanted, there),
      calls: () => this.#calling,
    });
  }

  // Of another broker of the cluster.
  #arrived(
    view: MessageView,
    time: number,
    codec: Codec,
    frame: Uint8Array,
    name: string,
    from: Peer | undefined,
  ): number | undefined {
    if (this.#bridging.active && !this.#bridging.admitsNamed(name)) return undefined;
    const { channel } = view.head;
    this.#replies?.objection(undefined, channel);
    const route = this.#find(channel);
    const { targets } = route;
    this.#calling.arrived(from, channel, route);
    if (targets.length > 0) this.#fanOut.deliver(undefined, targets, view, time, codec, frame);
    const bridges = this.#bridging.active ? this.#bridging.forward(undefined, view, time, codec, name) : 0;
    this.#replies?.passed(undefined, targets);
    return targets.length + bridges;
  }

  // For a member of a group here.
  #take(given: Given, envelope: Envelope, view: MessageView, codec: Codec, caller: Peer | undefined): void {
    const { channel } = view.head;
    const isCall = given.caller !== undefined;
    this.#replies?.objection(undefined, channel);
    if (isCall) this.#calling.takes();
    const passed = this.#groups.take(given, envelope, view, codec);
    this.#replies?.passed(undefined, NOBODY);
    if (isCall) this.#calling.taken(caller, channel, this.router.find(channel), passed);
  }

  #passCleared(channel: string, time: number, from: ClearedBy): Promise<void> | undefined {
    this.#bridging.cleared(channel, time, typeof from === 'object' ? from : undefined);
    if (this.#clustering === undefined || from === 'cluster') return undefined;
    if (from !== 'expiry') return this.#clustering.cleared(channel, time);
    this.#clustering.expired(channel);
    return undefined;
  }

  #subscribed(sessions: Iterable<Session>): string[] {
    const subscribed = [...sessions].flatMap((session) => [
      ...session.patterns,
      ...this.#grouping.membershipsOf(session).map(groupInterest),
    ]);
    // What else clients of other brokers want is known to the engine alone.
    if (this.#clustering !== undefined) subscribed.push('**', ...this.#clustering.neighbours.wanted());
    return subscribed;
  }

  #refuse(session: Session, view: MessageView, error: SpokeError): void {
    if (this.#acking.concerns(session, view)) this.#acking.refuse(session, view, error);
    else this.#desk.refuse(session, error, view.head.channel);
  }
}

function futureTime(channel: string, time: number, skew: number): SpokeError {
  return new SpokeError(
    'TIME_INVALID',
    `${channel}: time ${time} lies more than ${skew} ms in the future (limits.clockSkew); set the publisher's clock`,
  );
}
