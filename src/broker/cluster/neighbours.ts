// The other brokers of a cluster, as this one knows them: what they have, and what the two sides tell each other of groups, calls and
// presence (docs/decisions/027-cluster-wide.md).

import type { Backplane } from '../../contracts/index.js';
import type { Desk } from '../desk.js';
import type { Envelope } from './envelope.js';
import { Gossip } from './gossip.js';
import { Members } from './members.js';
import type { Peer } from './peer.js';
import type { CallListener } from './peer-calls.js';
import { PeerCalls } from './peer-calls.js';
import { PeerPresence } from './peer-presence.js';
import { PeerRoutes } from './peer-routes.js';
import type { Recent } from './recent.js';
import { Registrations } from './registrations.js';
import type { Given } from './told.js';
import { readAnswer } from './told.js';

export interface NeighboursParts {
  readonly plane: Backplane;
  readonly desk: Desk;
  /** The broker's own. */
  readonly id: string;
  /** The next number of what this broker publishes. */
  readonly next: () => number;
  /** Messages of clients that came lately, by their names. */
  readonly recent: Recent;
  /** What has to be known elsewhere before an answer can come. */
  readonly before: () => void;
  /** A message has come that is for a member of a group here. @param caller - `undefined`: this broker. */
  readonly taken: (given: Given, envelope: Envelope, caller: Peer | undefined) => void;
  /** Told what clients of others are members of and provide, each broker's by itself. */
  readonly interest: (wanted: string, there: boolean) => void;
  /** Is told of calls that cross, and of brokers that are there no more. */
  readonly calls: () => CallListener & { gone(peer: Peer): void };
}

export class Neighbours {
  /** Of groups. */
  readonly members: Members;
  readonly calls: PeerCalls;
  readonly presence: PeerPresence;
  readonly #registrations = new Registrations();
  readonly #gossip: Gossip;

  constructor({ plane, desk, id, next, recent, before, taken, interest, calls }: NeighboursParts) {
    const { turn, logger } = desk;
    const { clock, sink } = turn;
    const routes = new PeerRoutes();
    routes.changed = interest;
    this.#gossip = new Gossip({
      plane,
      clock,
      logger,
      id,
      routes,
      registrations: this.#registrations,
      others: (peer, news) => {
        this.calls.heard(peer, news, calls());
        this.presence.heard(peer, news);
      },
      came: (peer) => this.presence.came(peer),
      gone: (peer) => {
        turn.begin();
        calls().gone(peer);
        this.presence.gone(peer);
      },
      beat: () => {
        for (const peer of this.#gossip.peers.values()) this.calls.ask(peer, calls());
      },
    });
    this.members = new Members({
      plane,
      routes,
      id,
      next,
      sink,
      recent,
      before,
      taken: (given, envelope) => {
        const { caller = id } = given;
        taken(given, envelope, caller === id ? undefined : this.#gossip.meet(caller));
      },
    });
    this.calls = new PeerCalls(this.#gossip, routes, () => this.members.reachable);
    this.presence = new PeerPresence(this.#gossip, clock, id);
  }

  get size(): number {
    return this.#gossip.peers.size;
  }

  /** What their clients are members of and provide, each broker's by itself. */
  *wanted(): Generator<string> {
    for (const { wanted } of this.#gossip.peers.values()) for (const [one, count] of wanted) if (count > 0) yield one;
  }

  /** Whether they can be reached. */
  get reachable(): boolean {
    return this.members.reachable;
  }

  /** The engine is there: resolves when they are known. */
  async open(signal: AbortSignal): Promise<void> {
    this.members.reachable = true;
    await this.#gossip.open(signal);
  }

  close(): void {
    this.#gossip.close();
  }

  /** The engine has come back, or is away. */
  reached(reachable: boolean): void {
    this.members.reachable = reachable;
    if (reachable) this.#gossip.returned();
  }

  /** A client or a bridge wants something. @param wanted - a pattern, or one for a group. */
  subscribed(wanted: string, bridge: boolean): void {
    this.#registrations.add(wanted, bridge);
  }

  unsubscribed(wanted: string, bridge: boolean): void {
    this.#registrations.remove(wanted, bridge);
  }

  /** Tells them what has changed. */
  apply(): void {
    this.#gossip.apply();
  }

  /** Takes nothing more from them. */
  withdraw(): void {
    this.#registrations.withdraw();
    this.#gossip.apply();
  }

  /** Resolves when all of them know what is provided and wanted by groups here; `undefined`: they do. */
  settled(): Promise<void> | undefined {
    return this.#gossip.settled();
  }

  /** One that has published something. @returns `undefined`: there are too many. */
  meet(id: string): Peer | undefined {
    return this.#gossip.meet(id);
  }

  /** One of them is there no more. */
  lost(id: string): void {
    this.#gossip.lost(id);
  }

  /** Something that one of them has told. @returns the envelope of an answer for a client here. */
  heard(data: Uint8Array): Uint8Array | undefined {
    if (this.#gossip.heard(data)) return undefined;
    const answer = readAnswer(data);
    if (answer === undefined) this.members.heard(data);
    return answer;
  }
}
