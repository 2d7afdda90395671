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
  /** By pattern and group. */
  readonly memberships: Map<string, groupControl.MembershipBody>;
}

/** The other brokers, as far as groups have members there. */
export interface GroupBridges extends SubscriptionWatcher {
  /** Groups with members beyond bridges, the nearest first. */
  groups(channel: string): readonly GroupBeyond[];
  /** Whether a message may go on by this bridge. */
  mayTake(bridge: Session, from: Session, view: MessageView): boolean;
  /** What a copy for a member beyond a bridge is marked with, and its name. */
  copyFor(bridge: Session, group: string, from: Session, view: MessageView): { mark: string; id: string } | undefined;
}

/** What is being given to members. */
interface Given {
  readonly from: Session;
  readonly view: MessageView;
  readonly time: number;
  readonly codec: Codec;
  /** Is told of each of them. */
  readonly to: (member: Session) => void;
}

export class Grouping implements ControlPart {
  readonly features = ['groups'] as const;
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #bridges: GroupBridges;
  readonly #states = new Map<Session, State>();

  /** @param bridges - are told of what members want. */
  constructor(desk: Desk, router: Router<Session>, bridges: GroupBridges) {
    this.#desk = desk;
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
    else if (state === undefined) this.#states.set(session, { nonce, memberships: new Map() });
    else state.nonce = nonce;
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
   * Sends a message to one member of each group.
   * @param local - groups with members here.
   * @param beyond - groups with members beyond bridges.
   */
  deliver(local: readonly GroupRoute<Session>[], beyond: readonly GroupBeyond[], message: Given): void {
    for (const route of local) this.#deliver(route.group.name, route, beyond, message);
    let name: string | undefined;
    for (const group of beyond) {
      if (group.name === name || local.some((route) => route.group.name === group.name)) continue;
      ({ name } = group);
      this.#deliver(group.name, undefined, beyond, message);
    }
  }

  /** Sends a message to one member of this group: another broker has chosen it for one here, or farther on. */
  deliverTo(
    group: string,
    local: readonly GroupRoute<Session>[],
    beyond: readonly GroupBeyond[],
    message: Given,
  ): void {
    const route = local.find((one) => one.group.name === group);
    this.#deliver(group, route, beyond, message);
  }

  // A member here, then the nearest bridge; one that is behind only when nobody is not.
  #deliver(
    group: string,
    local: GroupRoute<Session> | undefined,
    beyond: readonly GroupBeyond[],
    message: Given,
  ): void {
    const { from, view } = message;
    const choice = new Choice((one) => !one.link.ended && (one !== from || view.head.bounce));
    if (local !== undefined) choice.among(local);
    if (choice.made === undefined && beyond.length > 0) {
      const bridges = new Choice((one) => !one.link.ended && this.#bridges.mayTake(one, from, view));
      for (const one of beyond) if (one.name === group && bridges.made === undefined) bridges.among(one.bridges);
      const bridge = bridges.made ?? (choice.last === undefined ? bridges.last : undefined);
      if (bridge !== undefined) {
        const copy = this.#bridges.copyFor(bridge, group, from, view);
        if (copy !== undefined) this.#give(bridge, copy.mark, copy.id, message);
        return;
      }
    }
    const member = choice.made ?? choice.last;
    const state = member === undefined ? undefined : this.#states.get(member);
    if (member !== undefined && state !== undefined) {
      this.#give(member, groupControl.markOf(state.nonce, group), undefined, message);
    }
  }

  #give(member: Session, mark: string, id: string | undefined, { from, view, time, codec, to: told }: Given): void {
    const to = member.link.codec;
    if (to === undefined) return;
    const { sink } = this.#desk.turn;
    const { channel, persist } = view.head;
    const head: OutgoingHead = {
      channel,
      persist,
      time,
      id,
      fields: { ...view.head.fields(), [groupControl.GROUP_KEY]: mark },
    };
    try {
      const length = to === codec ? codec.forwardWith(head, view, sink) : to.encode(head, codec.decodeBody(view), sink);
      member.link.outbox.push(sink.block, sink.position - length, sink.position);
      told(member);
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      this.#desk.refuse(from, error, channel);
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
    this.#router.leave(pattern, group, session);
    this.#desk.changed(session);
    this.#bridges.unsubscribed(groupControl.groupInterest({ pattern, group }), session);
  }
}

/** Who is next. */
class Choice {
  /** The next in turn of those that are not behind with what they were sent. */
  made: Session | undefined;
  /** The one of the others for which least waits. */
  last: Session | undefined;
  readonly #may: (one: Session) => boolean;

  constructor(may: (one: Session) => boolean) {
    this.#may = may;
  }

  among({ group, members }: GroupRoute<Session>): void {
    const count = members.length;
    for (let i = 0; i < count && this.made === undefined; i++) {
      const at = (group.turn + i) % count;
      const member = members[at];
      if (member === undefined || !this.#may(member)) continue;
      const { blocked, backlogBytes } = member.link.outbox;
      if (!blocked) {
        group.turn = at + 1;
        this.made = member;
      } else if (this.last === undefined || backlogBytes < this.last.link.outbox.backlogBytes) this.last = member;
    }
  }
}

function keyOf(pattern: string, group: string): string {
  return `${group}\0${pattern}`;
}
