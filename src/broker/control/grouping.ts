// Groups: of the members of one name, one gets each message (docs/protocol.md#feature-groups).

import type { GroupRoute, Router } from '../../channels/index.js';
import { canonical } from '../../channels/index.js';
import type { Codec, MessageView, OutgoingHead } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type * as control from '../../link/control.js';
import * as groupControl from '../../link/group-control.js';
import type { Desk } from '../desk.js';
import { forbidden } from '../desk.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';
import { overLimit } from './pattern-limits.js';
import type { SubscriptionWatcher } from './subscribing.js';

/** One session in groups. */
interface State {
  /** Of its hello: what its copies are marked with. */
  nonce: string;
  /** By pattern and group. */
  readonly memberships: Map<string, groupControl.MembershipBody>;
}

export class Grouping implements ControlPart {
  readonly features = ['groups'] as const;
  readonly handlers: NonNullable<ControlPart['handlers']>;
  readonly #desk: Desk;
  readonly #router: Router<Session>;
  readonly #watcher: SubscriptionWatcher;
  readonly #states = new Map<Session, State>();

  /** @param watcher - is told of the patterns of members. */
  constructor(desk: Desk, router: Router<Session>, watcher: SubscriptionWatcher) {
    this.#desk = desk;
    this.#router = router;
    this.#watcher = watcher;
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

  /**
   * Sends a message to one member of each group.
   * @param given - is told of each of them.
   */
  deliver(
    from: Session,
    groups: readonly GroupRoute<Session>[],
    view: MessageView,
    time: number,
    codec: Codec,
    given: (member: Session) => void,
  ): void {
    for (const route of groups) {
      const member = choose(route, view.head.bounce ? undefined : from);
      if (member !== undefined && this.#give(from, member, route.group.name, view, time, codec)) given(member);
    }
  }

  // Returns whether its codec can carry it.
  #give(from: Session, member: Session, group: string, view: MessageView, time: number, codec: Codec): boolean {
    const to = member.link.codec;
    const state = this.#states.get(member);
    if (to === undefined || state === undefined) return false;
    const { sink } = this.#desk.turn;
    const fields = { ...view.head.fields(), [groupControl.GROUP_KEY]: groupControl.markOf(state.nonce, group) };
    const { channel, persist } = view.head;
    const head: OutgoingHead = { channel, persist, time, fields };
    try {
      const length = to === codec ? codec.forwardWith(head, view, sink) : to.encode(head, codec.decodeBody(view), sink);
      member.link.outbox.push(sink.block, sink.position - length, sink.position);
      return true;
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      this.#desk.refuse(from, error, channel);
      return false;
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
      overLimit(this.#desk.limits, pattern, session.patterns.size + memberships.size) ??
      (this.#desk.maySubscribe(session, pattern) ? undefined : forbidden(session, 'subscribe to', pattern));
    if (error !== undefined) {
      this.#desk.refuse(session, error, groupControl.JOIN, pattern);
      return;
    }
    memberships.set(key, { pattern, group });
    this.#router.join(pattern, group, session);
    this.#watcher.subscribed(pattern);
  }

  #leave(session: Session, { pattern, group }: groupControl.MembershipBody): void {
    if (this.#states.get(session)?.memberships.delete(keyOf(pattern, group)) !== true) return;
    this.#router.leave(pattern, group, session);
    this.#watcher.unsubscribed(pattern);
  }
}

/**
 * The next member in turn. One that is behind, with messages that wait for it, is left out while there is another; of those
 * that are behind the one for which least waits.
 */
function choose({ group, members }: GroupRoute<Session>, except: Session | undefined): Session | undefined {
  let last: Session | undefined;
  const count = members.length;
  for (let i = 0; i < count; i++) {
    const at = (group.turn + i) % count;
    const member = members[at];
    if (member === undefined || member === except || member.link.ended) continue;
    const { blocked, backlogBytes } = member.link.outbox;
    if (!blocked) {
      group.turn = at + 1;
      return member;
    }
    if (last === undefined || backlogBytes < last.link.outbox.backlogBytes) last = member;
  }
  return last;
}

function keyOf(pattern: string, group: string): string {
  return `${group}\0${pattern}`;
}
