// Remote calls between brokers of one cluster (docs/decisions/027-cluster-wide.md): what they tell each other of calls in flight.

import { memberOf } from '../../link/kept-control.js';
import type { Gossip } from './gossip.js';
import type { Peer } from './peer.js';
import type { PeerRoutes } from './peer-routes.js';
import type { News } from './told.js';

/** Calls asked about in one message. */
const PORTION = 1000;

/** What is done with news of calls. */
export interface CallListener {
  /** Nobody is at work on a call at another broker any more. @param ran - whether somebody may have been. */
  lostAt(peer: Peer, base: string, ran: boolean): void;
  /** Another broker has passed a call on. */
  movedFrom(peer: Peer, base: string, to: Peer): void;
  /** Nobody waits for a call any more. @param cancel - whether its providers do not know that. */
  endedBy(base: string, cancel: boolean): void;
  /** Of these calls those that nobody is at work on here. */
  unknown(bases: readonly string[]): string[];
  /** The calls that another broker has been given. */
  givenTo(peer: Peer): readonly string[];
}

export class PeerCalls {
  readonly #gossip: Gossip;
  readonly #routes: PeerRoutes;
  readonly #reachable: () => boolean;
  #asked = 0;

  constructor(gossip: Gossip, routes: PeerRoutes, reachable: () => boolean) {
    this.#gossip = gossip;
    this.#routes = routes;
    this.#reachable = reachable;
  }

  /** Other brokers with providers that have every call. */
  plain(channel: string): readonly Peer[] {
    return this.#reachable() ? this.#routes.plain.route(channel) : [];
  }

  /** Whether the members of a group at another broker provide what a channel calls. */
  provides(peer: Peer, group: string, channel: string): boolean {
    return this.#routes.provides(peer, group, channel);
  }

  /** @param ran - whether somebody was at work on it. */
  lost(to: Peer, base: string, ran: boolean): void {
    this.#gossip.tell({ op: 'lost', calls: [base], ran }, to.id);
  }

  moved(to: Peer, base: string, now: Peer): void {
    this.#gossip.tell({ op: 'moved', call: base, broker: now.id }, to.id);
  }

  ended(to: Peer, base: string, cancel: boolean): void {
    this.#gossip.tell({ op: 'ended', call: base, cancel }, to.id);
  }

  /** A broker may have lost calls, or their answers: it is asked. */
  ask(peer: Peer, calls: CallListener): void {
    const all = calls.givenTo(peer);
    if (all.length === 0) return;
    // In turn, when there are too many.
    const from = all.length > PORTION ? (this.#asked += PORTION) % all.length : 0;
    this.#gossip.tell({ op: 'calls', calls: all.slice(from, from + PORTION) }, peer.id);
  }

  heard(peer: Peer, news: News, listener: CallListener): void {
    const call = memberOf(news, 'call');
    const list = memberOf(news, 'calls');
    const calls = Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
    if (news.op === 'lost') for (const base of calls) listener.lostAt(peer, base, memberOf(news, 'ran') === true);
    else if (news.op === 'calls') {
      const unknown = listener.unknown(calls);
      if (unknown.length > 0) this.#gossip.tell({ op: 'lost', calls: unknown, ran: true }, peer.id);
    } else if (news.op === 'ended' && typeof call === 'string')
      listener.endedBy(call, memberOf(news, 'cancel') === true);
    else if (news.op === 'moved' && typeof call === 'string') {
      const id = memberOf(news, 'broker');
      const to = typeof id === 'string' ? this.#gossip.meet(id) : undefined;
      if (to !== undefined) listener.movedFrom(peer, call, to);
    }
  }
}
