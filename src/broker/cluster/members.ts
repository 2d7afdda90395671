// Groups with members at other brokers of the cluster: the broker where a message enters chooses one of all members, and sends the
// message to that member's broker (docs/decisions/027-cluster-wide.md).

import type { GroupRoute } from '../../channels/index.js';
import type { Backplane, Codec, MessageView } from '../../contracts/index.js';
import type { BlockSink } from '../../link/index.js';
import { CONTROL_PREFIX } from '../../link/control.js';
import type { Envelope } from './envelope.js';
import { givenName, Kind } from './envelope.js';
import { Order } from './order.js';
import type { Peer } from './peer.js';
import type { PeerRoutes } from './peer-routes.js';
import type { Recent } from './recent.js';
import type { Given } from './told.js';
import { GivenWriter, readGiven } from './told.js';

const NONE: readonly GroupRoute<Peer>[] = [];

export interface MembersParts {
  readonly plane: Backplane;
  readonly routes: PeerRoutes;
  /** The broker's own. */
  readonly id: string;
  /** Of all that this broker publishes. */
  readonly next: () => number;
  readonly sink: BlockSink;
  /** Messages of clients that came lately, by their names. */
  readonly recent: Recent;
  /** What has to be known elsewhere before an answer can come. */
  readonly before: () => void;
  /** A message has come that is for a member here. */
  readonly taken: (given: Given, envelope: Envelope) => void;
}

export class Members {
  /** Messages that were given to members at other brokers, or passed on, since the start. */
  given = 0;
  /** Whether other brokers can be reached. */
  reachable = false;
  readonly #parts: MembersParts;
  readonly #writer = new GivenWriter();
  readonly #order = new Order();

  constructor(parts: MembersParts) {
    this.#parts = parts;
  }

  /** Whether there may be any. */
  get active(): boolean {
    return this.reachable && this.#parts.routes.groups.size > 0;
  }

  /** Groups with members elsewhere. */
  find(channel: string): readonly GroupRoute<Peer>[] {
    // Control messages stay where they are.
    if (!this.active || channel.startsWith(CONTROL_PREFIX)) return NONE;
    return this.#parts.routes.groups.find(channel).groups;
  }

  /**
   * Whose turn it is, of all members in the cluster.
   * @param here - members of this broker that can take it.
   * @param tried - brokers whose members could not.
   * @returns `undefined`: a member here, or nobody.
   */
  pick({ group, members }: GroupRoute<Peer>, here: number, tried: readonly string[]): Peer | undefined {
    let total = here;
    for (const peer of members) if (!tried.includes(peer.id)) total += peer.members.get(group.name) ?? 0;
    // Members beyond bridges count when there are no others.
    if (total === 0) return members.find((peer) => !tried.includes(peer.id));
    let slot = group.turn++ % total;
    if (slot < here) return undefined;
    slot -= here;
    for (const peer of members) {
      if (tried.includes(peer.id)) continue;
      slot -= peer.members.get(group.name) ?? 0;
      if (slot < 0) return peer;
    }
    return undefined;
  }

  /** Sends a message to the broker of a member. @param id - as of an `Envelope`. */
  give(peer: Peer, given: Given, view: MessageView, time: number, codec: Codec, id: string): void {
    const { sink } = this.#parts;
    const length = codec.forward(view, time, sink);
    const range = { block: sink.block, start: sink.position - length, end: sink.position };
    this.#send(peer, given, { time, codec: codec.name, id }, range);
  }

  /** Sends on what cannot be taken here. */
  pass(peer: Peer, given: Given, { time, codec, id, frame }: Envelope): void {
    this.#send(peer, given, { time, codec, id }, { block: frame, start: 0, end: frame.length });
  }

  heard(data: Uint8Array): void {
    const read = readGiven(data);
    if (read === undefined || !this.#order.admits(read.envelope.origin, read.envelope.sequence)) return;
    const { given, envelope } = read;
    // Published again, after a reconnect to another broker.
    if (envelope.id !== '' && !this.#parts.recent.add(`${given.group}\0${givenName(envelope.id)}`)) return;
    this.#parts.taken(given, envelope);
  }

  #send(
    peer: Peer,
    given: Given,
    about: Pick<Envelope, 'time' | 'codec' | 'id'>,
    range: { readonly block: Uint8Array; readonly start: number; readonly end: number },
  ): void {
    const { plane, id: origin, next, before } = this.#parts;
    before();
    this.given++;
    const data = this.#writer.write(given, { ...about, kind: Kind.Live, origin, sequence: next() }, range);
    plane.tell(data, peer.id);
  }
}
