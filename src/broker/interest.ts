// Who wants what, as bridges tell it on (docs/protocol.md#feature-bridge): only what somebody wants crosses a bridge.
//
// Distances are those of RIP: 0 is a client of this broker, each bridge on the way adds one, and from `UNREACHABLE` on
// nobody wants it. So what two brokers of a circle believe of each other dies out when the last subscriber has gone.

import * as bridgeControl from '../link/bridge-control.js';
import * as control from '../link/control.js';
import { GROUP_INTEREST_PREFIX } from '../link/group-control.js';

/** What is wanted beyond one bridge, and what was told to it. */
export class BridgeInterest {
  /** By pattern, how far away. */
  readonly wants = new Map<string, number>();
  readonly told = new Map<string, number>();
  /** Patterns of which something else may have to be told by now. */
  readonly changed = new Set<string>();
}

/** Of one broker: its clients, and its bridges. */
export class Interest {
  // Subscriptions of clients, by pattern.
  readonly #clients = new Map<string, number>();
  readonly #bridges = new Set<BridgeInterest>();

  /** Whether there are bridges; without one nothing need be told of clients. */
  get active(): boolean {
    return this.#bridges.size > 0;
  }

  /** Has a bridge told of everything. @param patterns - what clients have subscribed to, asked for when it is the first. */
  add(bridge: BridgeInterest, patterns: () => Iterable<string>): void {
    if (this.#bridges.size === 0) for (const pattern of patterns()) this.#count(pattern, 1);
    for (const pattern of this.#clients.keys()) bridge.changed.add(pattern);
    for (const { wants } of this.#bridges) for (const pattern of wants.keys()) bridge.changed.add(pattern);
    this.#bridges.add(bridge);
  }

  remove(bridge: BridgeInterest): void {
    if (!this.#bridges.delete(bridge)) return;
    for (const pattern of bridge.wants.keys()) this.#change(pattern, bridge);
    if (this.#bridges.size === 0) this.#clients.clear();
  }

  subscribed(pattern: string): void {
    if (this.active && this.#count(pattern, 1) === 1) this.#change(pattern, undefined);
  }

  unsubscribed(pattern: string): void {
    if (this.active && this.#count(pattern, -1) === 0) this.#change(pattern, undefined);
  }

  /** Beyond a bridge a pattern is wanted, so far away; `undefined`: no more. */
  want(bridge: BridgeInterest, pattern: string, distance: number | undefined): void {
    if (bridge.wants.get(pattern) === distance) return;
    if (distance === undefined) bridge.wants.delete(pattern);
    else bridge.wants.set(pattern, distance);
    this.#change(pattern, bridge);
  }

  /** What a bridge has to be told, or the first part of it; `undefined`: nothing. Taken as told. */
  news(bridge: BridgeInterest): bridgeControl.InterestBody | undefined {
    const set: (readonly [string, number])[] = [];
    const unset: string[] = [];
    let count = 0;
    for (const pattern of bridge.changed) {
      if (count >= bridgeControl.INTEREST_PATTERNS) break;
      bridge.changed.delete(pattern);
      const distance = this.#distance(pattern, bridge);
      if (distance === bridge.told.get(pattern)) continue;
      count++;
      if (distance === undefined) {
        bridge.told.delete(pattern);
        unset.push(pattern);
      } else {
        bridge.told.set(pattern, distance);
        set.push([pattern, distance]);
      }
    }
    return count === 0 ? undefined : { set, unset };
  }

  // Of everyone but this bridge.
  #distance(pattern: string, bridge: BridgeInterest): number | undefined {
    if (this.#clients.has(pattern)) return 0;
    let nearest: number = bridgeControl.UNREACHABLE;
    for (const other of this.#bridges) {
      if (other !== bridge) nearest = Math.min(nearest, other.wants.get(pattern) ?? nearest);
    }
    return nearest < bridgeControl.UNREACHABLE ? nearest : undefined;
  }

  #change(pattern: string, by: BridgeInterest | undefined): void {
    for (const bridge of this.#bridges) if (bridge !== by) bridge.changed.add(pattern);
  }

  // Control messages stay where they are, and so does the interest in them.
  #count(pattern: string, difference: number): number {
    if (pattern.startsWith(control.CONTROL_PREFIX) && !pattern.startsWith(GROUP_INTEREST_PREFIX)) return NaN;
    const count = (this.#clients.get(pattern) ?? 0) + difference;
    if (count > 0) this.#clients.set(pattern, count);
    else this.#clients.delete(pattern);
    return count;
  }
}
