/**
 * The routes of channels seen before.
 *
 * Two generations bound it: new and used routes are in the young one, and when that is full the old one
 * is dropped and the young one takes its place. A channel that is seen once is thus gone after a while at
 * the cost of one Map entry, while a busy channel always moves on to the young generation.
 *
 * A change of a literal subscription drops one route. A change of a wildcard subscription drops none: it
 * is remembered, and a route that is older than it is checked against the changed patterns when it is next
 * asked for. Only a route that fell behind by more than `REMEMBERED_CHANGES` is given up unchecked.
 */

import { matches } from './pattern.js';

/** Checking this many patterns costs about as much as a new search (test/bench/micro/router.bench.ts). */
const REMEMBERED_CHANGES = 64;

/** A longer channel is never kept, so that the number of routes bounds the bytes as well. */
const LONGEST_CHANNEL = 1_024;

interface Route<T> {
  readonly targets: readonly T[];
  /** The number of wildcard changes that this route takes into account. */
  asOf: number;
}

export class RouteCache<T extends object> {
  readonly #maxChannels: number;
  readonly #maxTargets: number;
  #young = new Map<string, Route<T>>();
  #old = new Map<string, Route<T>>();
  /** Target references held by the young generation. */
  #youngTargets = 0;
  /** Wildcard changes so far, and the patterns of the latest ones: change n is at n % REMEMBERED_CHANGES. */
  #changes = 0;
  readonly #changed: string[] = [];

  /** Each generation may hold half of either limit. */
  constructor(maxChannels: number, maxTargets: number) {
    this.#maxChannels = Math.floor(maxChannels / 2);
    this.#maxTargets = Math.floor(maxTargets / 2);
  }

  /** Routes held at present. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(channel: string): readonly T[] | undefined {
    const route = this.#young.get(channel);
    if (route !== undefined && route.asOf === this.#changes) return route.targets;
    return this.#revisit(channel, route);
  }

  /** Keeps the route of a channel for which `get` has just returned undefined. */
  set(channel: string, targets: readonly T[]): void {
    if (channel.length <= LONGEST_CHANNEL) this.#keep(channel, { targets, asOf: this.#changes });
  }

  /** A literal subscription of this channel came or went. */
  forget(channel: string): void {
    const route = this.#young.get(channel);
    if (route === undefined) {
      this.#old.delete(channel);
    } else {
      this.#young.delete(channel);
      this.#youngTargets -= route.targets.length;
    }
  }

  /** A subscription of this wildcard pattern came or went. */
  patternChanged(pattern: string): void {
    this.#changed[this.#changes % REMEMBERED_CHANGES] = pattern;
    this.#changes++;
    // What has not been asked for in a whole round is out of date for good, and would keep targets that
    // have long gone from being collected. Two rounds are the longest that it can stay.
    if (this.#changes % REMEMBERED_CHANGES === 0) this.#rotate();
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngTargets = 0;
    this.#changed.length = 0;
    this.#changes = 0;
  }

  /** The slow half of `get`: a route of the old generation, or one made before the latest change. */
  #revisit(channel: string, young: Route<T> | undefined): readonly T[] | undefined {
    const route = young ?? this.#old.get(channel);
    if (route === undefined) return undefined;
    if (!this.#isCurrent(channel, route)) {
      this.forget(channel);
      return undefined;
    }
    route.asOf = this.#changes;
    if (young === undefined) {
      this.#old.delete(channel);
      this.#keep(channel, route);
    }
    return route.targets;
  }

  #isCurrent(channel: string, route: Route<T>): boolean {
    if (this.#changes - route.asOf > REMEMBERED_CHANGES) return false;
    for (let change = route.asOf; change < this.#changes; change++) {
      const pattern = this.#changed[change % REMEMBERED_CHANGES];
      if (pattern === undefined || matches(pattern, channel)) return false;
    }
    return true;
  }

  #keep(channel: string, route: Route<T>): void {
    const count = route.targets.length;
    if (this.#maxChannels === 0 || count > this.#maxTargets) return;
    if (this.#young.size >= this.#maxChannels || this.#youngTargets + count > this.#maxTargets) {
      this.#rotate();
    }
    this.#young.set(channel, route);
    this.#youngTargets += count;
  }

  #rotate(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngTargets = 0;
  }
}
