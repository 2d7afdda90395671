/**
 * The routes of channels seen before.
 *
 * Two generations bound it: new and used routes are in the young one, and when that is full the old one
 * is dropped and the young one takes its place. A channel that is seen once is thus gone after a while at
 * the cost of one Map entry, while a busy channel always moves on to the young generation.
 *
 * A change of a literal subscription drops one route. A change of a wildcard subscription drops none: it
 * is logged under its first token, and a route is checked against what its logs gained when it is next
 * asked for. So neither the calls of clients nor their wildcards empty the cache for everyone else.
 */

import { ChangeLog } from './change-log.js';
import type { GroupRoute, Route } from './routes.js';

/** Logs for first tokens, chosen by a hash: tokens that share one only cause needless checks. */
const LOGS = 128;

/** A longer channel is never kept, so that the number of routes bounds the bytes as well. */
const LONGEST_CHANNEL = 1_024;

/**
 * The generations change after as many wildcard changes, too. A route that nobody asks for may name
 * targets that have left; this bounds for how long it can keep them from being collected.
 */
const CHANGES_OF_A_GENERATION = 1_024;
/** And after so many targets, and this part of those that are left, have left altogether: a target may be much larger than a route. */
const LOSSES_OF_A_GENERATION = 32;
const PART_OF_THE_REST = 4;

interface KnownRoute<T extends object> extends Route<T> {
  /** Target references that it holds. */
  readonly size: number;
  /** The changes of patterns that begin with the literal first token of the channel. */
  readonly log: ChangeLog;
  asOf: number;
  /** The same for patterns that begin with a wildcard. */
  wildAsOf: number;
}

export class RouteCache<T extends object> {
  readonly #maxChannels: number;
  readonly #maxTargets: number;
  #young = new Map<string, KnownRoute<T>>();
  #old = new Map<string, KnownRoute<T>>();
  /** Target references held by the young generation. */
  #youngTargets = 0;
  readonly #logs = Array.from({ length: LOGS }, () => new ChangeLog());
  readonly #wildLog = new ChangeLog();
  #changes = 0;
  #losses = 0;

  /** Each generation may hold half of either limit. */
  constructor(maxChannels: number, maxTargets: number) {
    this.#maxChannels = Math.floor(maxChannels / 2);
    this.#maxTargets = Math.floor(maxTargets / 2);
  }

  /** Routes held at present. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(channel: string): Route<T> | undefined {
    const route = this.#young.get(channel);
    if (route !== undefined && route.asOf === route.log.count && route.wildAsOf === this.#wildLog.count) {
      return route;
    }
    return this.#revisit(channel, route);
  }

  /** Keeps the route of a channel for which `get` has just returned undefined. */
  set(channel: string, { targets, groups }: Route<T>): void {
    if (channel.length > LONGEST_CHANNEL) return;
    const log = this.#logOf(channel);
    if (log === undefined) return;
    const size = targets.length + membersOf(groups);
    this.#keep(channel, { targets, groups, size, log, asOf: log.count, wildAsOf: this.#wildLog.count });
  }

  /** A literal subscription of this channel came or went. */
  forget(channel: string): void {
    const route = this.#young.get(channel);
    if (route === undefined) {
      this.#old.delete(channel);
    } else {
      this.#young.delete(channel);
      this.#youngTargets -= route.size;
    }
  }

  /** A subscription of this wildcard pattern came or went. */
  patternChanged(pattern: string): void {
    const first = pattern.slice(0, 3);
    const beginsWild = ['*', '**', '**/'].includes(first) || first.startsWith('*/');
    const log = beginsWild ? this.#wildLog : this.#logOf(pattern);
    log?.add(pattern);
    this.#changes++;
    if (this.#changes % CHANGES_OF_A_GENERATION === 0) this.#startGeneration();
  }

  /** A target has no subscription any more. @param rest - how many have. */
  targetLeft(rest: number): void {
    this.#losses++;
    if (this.#losses < Math.max(LOSSES_OF_A_GENERATION, rest / PART_OF_THE_REST)) return;
    this.#losses = 0;
    this.#startGeneration();
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngTargets = 0;
  }

  /** The slow half of `get`: a route of the old generation, or one made before the latest changes. */
  #revisit(channel: string, young: KnownRoute<T> | undefined): Route<T> | undefined {
    const route = young ?? this.#old.get(channel);
    if (route === undefined) return undefined;
    const { log } = route;
    if (log.mayConcern(channel, route.asOf) || this.#wildLog.mayConcern(channel, route.wildAsOf)) {
      this.forget(channel);
      return undefined;
    }
    route.asOf = log.count;
    route.wildAsOf = this.#wildLog.count;
    if (young === undefined) {
      this.#old.delete(channel);
      this.#keep(channel, route);
    }
    return route;
  }

  #keep(channel: string, route: KnownRoute<T>): void {
    const count = route.size;
    if (this.#maxChannels === 0 || count > this.#maxTargets) return;
    if (this.#young.size >= this.#maxChannels || this.#youngTargets + count > this.#maxTargets) {
      this.#startGeneration();
    }
    this.#young.set(channel, route);
    this.#youngTargets += count;
  }

  #startGeneration(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngTargets = 0;
  }

  /** The log for whatever begins with the same first token. */
  #logOf(text: string): ChangeLog | undefined {
    const slash = text.indexOf('/');
    const end = slash < 0 ? text.length : slash;
    let hash = 0;
    for (let i = 0; i < end; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
    return this.#logs[(hash >>> 0) % LOGS];
  }
}

function membersOf(groups: readonly GroupRoute<object>[]): number {
  let count = 0;
  for (const { members } of groups) count += members.length;
  return count;
}
