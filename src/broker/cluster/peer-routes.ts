// Which brokers of the cluster have members of groups, and providers, for a channel.

import { Router } from '../../channels/index.js';
import { readWanted } from '../../link/group-control.js';
import { isProvided } from '../providers.js';
import type { Peer } from './peer.js';

/** What other brokers have told, as routes. */
export class PeerRoutes {
  /** Told what clients of other brokers are members of and provide: bridges of this one tell it on. */
  changed: (wanted: string, there: boolean) => void = () => {};
  /** Brokers with members of groups. */
  readonly groups = new Router<Peer>();
  /** Those with providers that have every call. */
  readonly plain = new Router<Peer>();
  readonly #providing = new Router<Peer>();

  /** @param count - members, or clients that subscribe for themselves; 0: beyond its bridges. */
  set(peer: Peer, wanted: string, count: number): void {
    const { pattern, group } = readWanted(wanted);
    const before = peer.wanted.get(wanted);
    peer.wanted.set(wanted, count);
    if (count > 0 !== (before ?? 0) > 0) this.changed(wanted, count > 0);
    if (group !== undefined) peer.members.set(group, (peer.members.get(group) ?? 0) - (before ?? 0) + count);
    if (before !== undefined) return;
    if (group === undefined) this.plain.subscribe(pattern, peer);
    else {
      this.groups.join(pattern, group, peer);
      // A group of its own for each: the same pattern may be provided in several.
      if (isProvided(pattern)) this.#providing.join(pattern, group, peer);
    }
  }

  unset(peer: Peer, wanted: string): void {
    const { pattern, group } = readWanted(wanted);
    const before = peer.wanted.get(wanted);
    if (before === undefined) return;
    peer.wanted.delete(wanted);
    if (before > 0) this.changed(wanted, false);
    if (group === undefined) {
      this.plain.unsubscribe(pattern, peer);
      return;
    }
    const rest = (peer.members.get(group) ?? 0) - before;
    if (rest > 0) peer.members.set(group, rest);
    else peer.members.delete(group);
    this.groups.leave(pattern, group, peer);
    this.#providing.leave(pattern, group, peer);
  }

  remove(peer: Peer): void {
    for (const wanted of [...peer.wanted.keys()]) this.unset(peer, wanted);
  }

  /** Whether a broker that has members for a channel has such as provide it. */
  provides(peer: Peer, group: string, channel: string): boolean {
    const { groups } = this.#providing.find(channel);
    return groups.some((route) => route.group.name === group && route.members.includes(peer));
  }
}
