// One message to one member of each group that wants it, here or at another broker of the cluster, or to a member of the one that
// another broker has chosen.

import type { GroupRoute, Route } from '../channels/index.js';
import type { Codec, MessageView } from '../contracts/index.js';
import type { Envelope } from './cluster/envelope.js';
import type { Members } from './cluster/members.js';
import type { Peer } from './cluster/peer.js';
import type { Given } from './cluster/told.js';
import type { Bridging } from './control/bridging.js';
import type { Calling } from './control/calling.js';
import type { Grouping } from './control/grouping.js';
import type { GroupBeyond } from './groups-beyond.js';
import type { Session } from './session.js';

export interface GroupDeliveryParts {
  /** Who gets the message at hand. */
  readonly find: (channel: string) => Route<Session>;
  readonly grouping: Grouping;
  readonly bridging: Bridging;
  readonly calling: Calling;
  /** At other brokers of the cluster; `undefined`: this broker is alone. */
  readonly members: Members | undefined;
  /** The broker's own. */
  readonly id: string;
}

/** A message for which this broker chooses. */
interface Message {
  readonly from: Session | undefined;
  readonly view: MessageView;
  readonly time: number;
  readonly codec: Codec;
}

const NOWHERE: readonly GroupRoute<Peer>[] = [];
const NOBODY: readonly GroupBeyond[] = [];

export class GroupDelivery {
  readonly #parts: GroupDeliveryParts;

  constructor(parts: GroupDeliveryParts) {
    this.#parts = parts;
  }

  /** Whether there may be members elsewhere than here. */
  get beyond(): boolean {
    return this.#parts.bridging.active || this.#parts.members?.active === true;
  }

  /**
   * @param from - `undefined`: a client of this broker, whose message has been to the engine first.
   * @param groups - those with members here.
   * @param id - what others than this broker call the message, as in an `Envelope`.
   */
  deliver(
    from: Session | undefined,
    groups: readonly GroupRoute<Session>[],
    view: MessageView,
    time: number,
    codec: Codec,
    id: string,
  ): void {
    const { bridging, grouping, members } = this.#parts;
    if (from !== undefined && bridging.chooses(from)) return;
    const { channel } = view.head;
    const beyond = bridging.groups(channel);
    const elsewhere = members?.find(channel) ?? NOWHERE;
    if (elsewhere.length === 0) {
      grouping.deliver(groups, beyond, from, view, time, codec);
      return;
    }
    const message = { from, view, time, codec };
    const names = new Set([...groups, ...elsewhere].map(({ group }) => group.name));
    for (const { name } of beyond) names.add(name);
    for (const name of names) this.#deliverInCluster(name, groups, beyond, elsewhere, message, id);
  }

  /** Whether it is for a member of a group, by the choice of another broker, and nobody else. */
  pass(from: Session, view: MessageView, time: number, codec: Codec): boolean {
    const { bridging, find, members } = this.#parts;
    const { channel } = view.head;
    const group = bridging.groupOf(from, view);
    if (group === undefined) return false;
    const { groups } = find(channel);
    const message = { from, view, time, codec };
    const elsewhere = members?.find(channel) ?? NOWHERE;
    this.#deliverInCluster(group, groups, bridging.groups(channel), elsewhere, message, view.id ?? '');
    return true;
  }

  /**
   * Gives a message to a member here, by the choice of another broker of the cluster; or lets another member have it.
   * @returns the broker that it was passed on to.
   */
  take(given: Given, envelope: Envelope, view: MessageView, codec: Codec): Peer | undefined {
    const { bridging, find, members, grouping, id } = this.#parts;
    const { channel } = view.head;
    const { groups } = find(channel);
    const here = groups.find(({ group }) => group.name === given.group);
    if (free(here, undefined, view) === 0) {
      const tried = [...given.tried, id];
      const there = members?.find(channel).find(({ group }) => group.name === given.group);
      const peer = there === undefined ? undefined : members?.pick(there, 0, tried);
      if (peer !== undefined) {
        members?.pass(peer, { ...given, tried }, envelope);
        return peer;
      }
    }
    // What came by a bridge does not leave by another one.
    const foreign = envelope.id !== '' && !envelope.id.startsWith(';');
    grouping.deliverTo(
      given.group,
      groups,
      foreign ? NOBODY : bridging.groups(channel),
      undefined,
      view,
      envelope.time,
      codec,
    );
    return undefined;
  }

  #deliverInCluster(
    name: string,
    groups: readonly GroupRoute<Session>[],
    beyond: readonly GroupBeyond[],
    elsewhere: readonly GroupRoute<Peer>[],
    message: Message,
    id: string,
  ): void {
    const { grouping, members, calling, id: caller } = this.#parts;
    const there = elsewhere.find(({ group }) => group.name === name);
    const peer = there === undefined ? undefined : this.#choose(name, groups, beyond, there, message);
    const { from, view, time, codec } = message;
    if (peer === undefined) {
      grouping.deliverTo(name, groups, beyond, from, view, time, codec);
      return;
    }
    const { channel } = view.head;
    const tracked = calling.isTracked(channel);
    const given = { group: name, tried: [], ...(tracked && { caller }) };
    members?.give(peer, given, view, time, codec, id);
    calling.givenElsewhere(peer, name, channel);
  }

  #choose(
    name: string,
    groups: readonly GroupRoute<Session>[],
    beyond: readonly GroupBeyond[],
    there: GroupRoute<Peer>,
    { from, view }: Message,
  ): Peer | undefined {
    const here = free(
      groups.find(({ group }) => group.name === name),
      from,
      view,
    );
    const near = here > 0 || there.members.some((peer) => (peer.members.get(name) ?? 0) > 0);
    // Of members beyond bridges, those beyond a bridge of this broker.
    if (!near && beyond.some((one) => one.name === name)) return undefined;
    return this.#parts.members?.pick(there, here, []);
  }
}

/** How many members can be next; 0: none of them can take anything now. */
function free(route: GroupRoute<Session> | undefined, from: Session | undefined, view: MessageView): number {
  if (route === undefined) return 0;
  const may = (one: Session): boolean =>
    !one.link.ended && !one.link.outbox.blocked && (one !== from || view.head.bounce);
  return route.members.some(may) ? route.members.length : 0;
}
