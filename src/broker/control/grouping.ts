// Groups: of the members of one name, one gets each message (docs/protocol.md#feature-groups).

import type { GroupRoute, Router } from '../../channels/index.js';
import { canonical } from '../../channels/index.js';
import type { Codec, MessageView, OutgoingHead } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type * as control from '../../link/control.js';
import * as groupControl from '../../link/group-control.js';
import type { Desk } from '../desk.js';
import type { GroupBeyond } from '../groups-beyond.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';
import { overLimit, overTotal } from './pattern-limits.js';
import type { SubscriptionWatcher } from './subscribing.js';

/** One session in groups. */
interface State {
  /** Of its hello: what its copies are marked with. */
  nonce: string;
  /** Made once for each group: a text made anew for each message costs more than the rest of giving it. */
  readonly marks: Map<string, string>;
  /** By pattern and group. */
  readonly memberships: Map<string, groupControl.MembershipBody>;
}

/** The other brokers, as far as groups have members there. */
export interface GroupBridges extends SubscriptionWatcher {
  /** Groups with members beyond bridges, the nearest first. */
  groups(channel: string): readonly GroupBeyond[];
  /** Whether a message may go on by this bridge. */
  mayTake(bridge: Session, from: Session | undefined, view: MessageView): boolean;
  /** What a copy for a member beyond a bridge is marked with, and its name. */
  copyFor(
    bridge: Session,
    group: string,
    from: Session | undefined,
    view: MessageView,
  ): { mark: string; id: string } | undefined;
}

export class Grouping implements ControlPart {
  readonly features = ['groups'] as const;
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #bridges: GroupBridges;
  readonly #given: (member: Session) => void;
  readonly #states = new Map<Session, State>();
  readonly #members = new Choice((one, from, view) => one !== from || view.head.bounce);
  readonly #bridgesOf: Choice;

  /**
   * @param bridges - are told of what members want.
   * @param given - is told to whom the message at hand was given.
   */
  constructor(desk: Desk, router: Router<Session>, bridges: GroupBridges, given: (member: Session) => void) {
    this.#desk = desk;
    this.#given = given;
    this.#bridgesOf = new Choice((one, from, view) => bridges.mayTake(one, from, view));
    this.#router = router;
    this.#bridges = bridges;
    this.handlers = {
      [groupControl.JOIN]: {
        request: true,
        feature: 'groups',
        handle: (session, view, codec) => this.#hear(session, view, codec, (one) => this.#join(session, one)),
      },
      [groupControl.LEAVE]: {
        request: true,
        feature: 'groups',
        handle: (session, view, codec) => this.#hear(session, view, codec, (one) => this.#leave(session, one)),
      },
    };
  }

  welcomed(session: Session, { nonce }: control.HelloBody): void {
    const state = this.#states.get(session);
    if (!session.features.has('groups')) this.ended(session);
    else if (state === undefined) this.#states.set(session, { nonce, marks: new Map(), memberships: new Map() });
    else {
      state.nonce = nonce;
      state.marks.clear();
    }
  }

  ended(session: Session): void {
    for (const membership of this.membershipsOf(session)) this.#leave(session, membership);
    this.#states.delete(session);
  }

  /** The groups that a session is in. */
  membershipsOf(session: Session): readonly groupControl.MembershipBody[] {
    return [...(this.#states.get(session)?.memberships.values() ?? [])];
  }

  /** What it may have is another thing now: its routes are to be found again. */
  identified(session: Session): void {
    for (const { pattern, group } of this.membershipsOf(session)) {
      this.#router.leave(pattern, group, session);
      this.#router.join(pattern, group, session);
    }
  }

  /**
   * Sends a message to one member of each group. Hot.
   * @param local - groups with members here.
   * @param beyond - groups with members beyond bridges.
   */
  deliver(
    local: readonly GroupRoute<Session>[],
    beyond: readonly GroupBeyond[],
    from: Session | undefined,
    view: MessageView,
    time: number,
    codec: Codec,
  ): void {
    for (const route of local) this.#deliver(route.group.name, route, beyond, from, view, time, codec);
    let name: string | undefined;
    for (const group of beyond) {
      if (group.name === name || local.some((route) => route.group.name === group.name)) continue;
      ({ name } = group);
      this.#deliver(group.name, undefined, beyond, from, view, time, codec);
    }
  }

  /** Sends a message to one member of this group: another broker has chosen it for one here, or farther on. */
  deliverTo(
    group: string,
    local: readonly GroupRoute<Session>[],
    beyond: readonly GroupBeyond[],
    from: Session | undefined,
    view: MessageView,
    time: number,
    codec: Codec,
  ): void {
    const route = local.find((one) => one.group.name === group);
    this.#deliver(group, route, beyond, from, view, time, codec);
  }

  // A member here, then the nearest bridge; one that is behind only when nobody is not.
  #deliver(
    group: string,
    local: GroupRoute<Session> | undefined,
    beyond: readonly GroupBeyond[],
    from: Session | undefined,
    view: MessageView,
    time: number,
    codec: Codec,
  ): void {
    const choice = this.#members.begin(from, view);
    if (local !== undefined) choice.among(local);
    if (choice.made === undefined && beyond.length > 0) {
      const bridges = this.#bridgesOf.begin(from, view);
      for (const one of beyond) if (one.name === group && bridges.made === undefined) bridges.among(one.bridges);
      const bridge = bridges.made ?? (choice.last === undefined ? bridges.last : undefined);
      if (bridge !== undefined) {
        const copy = this.#bridges.copyFor(bridge, group, from, view);
        if (copy !== undefined) this.#give(bridge, copy.mark, copy.id, from, view, time, codec);
        return;
      }
    }
    const member = choice.made ?? choice.last;
    const state = member === undefined ? undefined : this.#states.get(member);
    if (member !== undefined && state !== undefined) {
      this.#give(member, markIn(state, group), undefined, from, view, time, codec);
    }
  }

  #give(
    member: Session,
    mark: string,
    id: string | undefined,
    from: Session | undefined,
    view: MessageView,
    time: number,
    codec: Codec,
  ): void {
    const to = member.link.codec;
    if (to === undefined) return;
    const { sink } = this.#desk.turn;
    try {
      const length =
        to === codec
          ? codec.forward(view, time, sink, id, mark)
          : to.encode(headOf(view, time, id, mark), codec.decodeBody(view), sink);
      member.link.outbox.push(sink.block, sink.position - length, sink.position);
      this.#given(member);
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      if (from !== undefined) this.#desk.refuse(from, error, view.head.channel);
    }
  }

  #hear(
    session: Session,
    view: MessageView,
    codec: Codec,
    act: (membership: groupControl.MembershipBody) => void,
  ): boolean {
    const { channel } = view.head;
    const body = groupControl.readMembership(codec.decodeBody(view));
    if (body !== undefined) act({ pattern: canonical(body.pattern), group: body.group });
    else {
      const text = `${channel} takes {pattern, group}, the group a text of 1 to ${groupControl.GROUP_NAME_LENGTH} letters`;
      this.#desk.refuse(session, new SpokeError('MALFORMED', text), channel);
    }
    return false;
  }

  #join(session: Session, { pattern, group }: groupControl.MembershipBody): void {
    const memberships = this.#states.get(session)?.memberships;
    const key = keyOf(pattern, group);
    if (memberships === undefined || memberships.has(key)) return;
    const error =
      overLimit(session.limits, pattern, session.patterns.size + memberships.size) ??
      overTotal(this.#desk.limits, this.#router.size) ??
      (this.#desk.maySubscribeSome(session, pattern) ? undefined : this.#desk.forbid(session, 'subscribe to', pattern));
    if (error !== undefined) {
      this.#desk.refuse(session, error, groupControl.JOIN, pattern);
      return;
    }
    memberships.set(key, { pattern, group });
    this.#router.join(pattern, group, session);
    this.#desk.changed(session);
    this.#bridges.subscribed(groupControl.groupInterest({ pattern, group }), session);
  }

  #leave(session: Session, { pattern, group }: groupControl.MembershipBody): void {
    if (this.#states.get(session)?.memberships.delete(keyOf(pattern, group)) !== true) return;
    this.#states.get(session)?.marks.delete(group);
    this.#router.leave(pattern, group, session);
    this.#desk.changed(session);
    this.#bridges.unsubscribed(groupControl.groupInterest({ pattern, group }), session);
  }
}

/** Who is next. One object serves message after message. */
class Choice {
  /** The next in turn of those that are not behind with what they were sent. */
  made: Session | undefined;
  /** The one of the others for which least waits. */
  last: Session | undefined;
  readonly #may: (one: Session, from: Session | undefined, view: MessageView) => boolean;
  #from: Session | undefined;
  #view: MessageView | undefined;

  constructor(may: (one: Session, from: Session | undefined, view: MessageView) => boolean) {
    this.#may = may;
  }

  begin(from: Session | undefined, view: MessageView): this {
    this.made = this.last = undefined;
    this.#from = from;
    this.#view = view;
    return this;
  }

  among({ group, members }: GroupRoute<Session>): void {
    const from = this.#from;
    const view = this.#view;
    if (view === undefined) return;
    const count = members.length;
    for (let i = 0; i < count && this.made === undefined; i++) {
      const at = (group.turn + i) % count;
      const member = members[at];
      if (member === undefined || member.link.ended || !this.#may(member, from, view)) continue;
      const { blocked, backlogBytes } = member.link.outbox;
      if (!blocked) {
        group.turn = at + 1;
        this.made = member;
      } else if (this.last === undefined || backlogBytes < this.last.link.outbox.backlogBytes) this.last = member;
    }
  }
}

function markIn({ nonce, marks }: State, group: string): string {
  let mark = marks.get(group);
  if (mark === undefined) marks.set(group, (mark = groupControl.markOf(nonce, group)));
  return mark;
}

function headOf({ head }: MessageView, time: number, id: string | undefined, mark: string): OutgoingHead {
  const { channel, persist } = head;
  return { channel, persist, time, id, fields: { ...head.fields(), [groupControl.GROUP_KEY]: mark } };
}

function keyOf(pattern: string, group: string): string {
  return `${group}\0${pattern}`;
}
