/**
 * Who gets a message: the subscriptions of all connections, and the targets of a channel.
 *
 * Members of groups are subscribers of their own: a route tells them from the others, and costs nothing more without them.
 * Literal patterns are in one flat Map, those with wildcards in a `PatternTrie`, and what both say about a
 * channel in a `RouteCache`. Figures: test/bench/micro/router.bench.ts.
 */

import { namesCallNumbers, withoutCallNumber } from './call-channel.js';
import { isPattern } from './channel.js';
import { PatternTrie } from './pattern-trie.js';
import { RouteCache } from './route-cache.js';
import type { Group, Route, Routes } from './routes.js';
import {
  hasSubscriber,
  routeOf,
  Subscriber,
  type Subscribers,
  withoutSubscriber,
  withSubscriber,
} from './subscribers.js';

export interface RouterOptions {
  /**
   * The most channels whose routes are kept; 0 keeps none. Default 16,384, which is 4 MB when a route has
   * few targets. Half of it should exceed the number of busy channels: that many are sure to stay.
   */
  readonly maxCachedChannels?: number;
  /**
   * The most target references in all kept routes together. Default 1,048,576, which is 8 MB. A route
   * with more than half as many targets is not kept.
   */
  readonly maxCachedTargets?: number;
}

/** `Routes` for any number of subscriptions. */
export class Router<T extends object> implements Routes<T> {
  readonly #subscribers = new Map<T, Subscriber<T>>();
  readonly #groups = new Map<string, RouterGroup<T>>();
  readonly #literals = new Map<string, Subscribers<T>>();
  readonly #patterns = new PatternTrie<T>();
  readonly #routes: RouteCache<T>;
  #admits: ((target: T, channel: string) => boolean) | undefined;
  #size = 0;
  #nextRank = 0;
  // Subscriptions to calls by their numbers: literal ones (each call of the peers has one) and patterns (rare).
  #numberedLiterals = 0;
  #numberedPatterns = 0;

  /** @throws TypeError when an option is not a whole number of at least 0. */
  constructor(options: RouterOptions = {}) {
    const { maxCachedChannels = 16_384, maxCachedTargets = 1_048_576 } = options;
    requireCount('maxCachedChannels', maxCachedChannels);
    requireCount('maxCachedTargets', maxCachedTargets);
    this.#routes = new RouteCache(maxCachedChannels, maxCachedTargets);
  }

  /** Subscriptions, that is pairs of a pattern and a target. */
  get size(): number {
    return this.#size;
  }

  /** Nodes of the wildcard tree, at least 1, and those visited by all searches so far: for tests and metrics. */
  get trie(): { readonly nodeCount: number; readonly visits: number } {
    return this.#patterns;
  }

  subscribe(pattern: string, target: T): boolean {
    let subscriber = this.#subscribers.get(target);
    if (subscriber === undefined) {
      subscriber = new Subscriber(target, this.#nextRank++);
      this.#subscribers.set(target, subscriber);
    }
    return this.#add(pattern, subscriber);
  }

  unsubscribe(pattern: string, target: T): boolean {
    const subscriber = this.#subscribers.get(target);
    if (subscriber === undefined || !this.#remove(pattern, subscriber)) return false;
    if (subscriber.patterns === 0) {
      this.#subscribers.delete(target);
      this.#routes.targetLeft(this.#subscribers.size);
    }
    return true;
  }

  /**
   * Makes a target a member of a group for a pattern. Beside that it may subscribe for itself: it is found for either.
   * @returns `false` when it was one already.
   */
  join(pattern: string, name: string, target: T): boolean {
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = { name, turn: 0, members: new Map<T, Subscriber<T>>() }));
    let member = group.members.get(target);
    if (member === undefined) group.members.set(target, (member = new Subscriber(target, this.#nextRank++, group)));
    return this.#add(pattern, member);
  }

  /** @returns `false` when it was no member for that pattern. */
  leave(pattern: string, name: string, target: T): boolean {
    const group = this.#groups.get(name);
    const member = group?.members.get(target);
    if (group === undefined || member === undefined || !this.#remove(pattern, member)) return false;
    if (member.patterns === 0) {
      group.members.delete(target);
      this.#routes.targetLeft(group.members.size);
    }
    if (group.members.size === 0) this.#groups.delete(name);
    return true;
  }

  /** The array is shared by everyone who asks. */
  route(channel: string): readonly T[] {
    return this.find(channel).targets;
  }

  /** As `route`, and the groups. Shared by everyone who asks. */
  find(channel: string): Route<T> {
    const call = this.#numberedPatterns === 0 ? withoutCallNumber(channel) : undefined;
    if (call !== undefined) return this.#findCall(channel, call);
    return this.#routes.get(channel) ?? this.#search(channel, this.#literals.get(channel));
  }

  clear(): void {
    this.#subscribers.clear();
    this.#groups.clear();
    this.#literals.clear();
    this.#patterns.clear();
    this.#routes.clear();
    this.#size = 0;
    this.#numberedLiterals = 0;
    this.#numberedPatterns = 0;
  }

  #add(pattern: string, subscriber: Subscriber<T>): boolean {
    if (isPattern(pattern)) {
      if (!this.#patterns.add(pattern, subscriber)) return false;
      if (namesCallNumbers(pattern)) this.#numberedPatterns++;
      this.#routes.patternChanged(pattern);
    } else {
      const holders = this.#literals.get(pattern);
      if (hasSubscriber(holders, subscriber)) return false;
      this.#literals.set(pattern, withSubscriber(holders, subscriber));
      if (withoutCallNumber(pattern) !== undefined) this.#numberedLiterals++;
      this.#routes.forget(pattern);
    }
    subscriber.patterns++;
    this.#size++;
    return true;
  }

  #remove(pattern: string, subscriber: Subscriber<T>): boolean {
    if (isPattern(pattern)) {
      if (!this.#patterns.remove(pattern, subscriber)) return false;
      if (namesCallNumbers(pattern)) this.#numberedPatterns--;
      this.#routes.patternChanged(pattern);
    } else {
      const holders = this.#literals.get(pattern);
      if (holders === undefined || !hasSubscriber(holders, subscriber)) return false;
      const rest = withoutSubscriber(holders, subscriber);
      if (rest === undefined) this.#literals.delete(pattern);
      else this.#literals.set(pattern, rest);
      if (withoutCallNumber(pattern) !== undefined) this.#numberedLiterals--;
      this.#routes.forget(pattern);
    }
    subscriber.patterns--;
    this.#size--;
    return true;
  }

  /**
   * @param admits - whether a target may have what comes on a channel, from now on. It is asked when a route is found, and
   *   remembered with it. The number of a call is an empty token then: its route is that of others. `undefined`: yes.
   */
  admit(admits: ((target: T, channel: string) => boolean) | undefined): void {
    this.#admits = admits;
    this.#routes.clear();
  }

  // What a call's own literal subscribers add is not kept: it is asked for once.
  #findCall(channel: string, call: string): Route<T> {
    const literal = this.#numberedLiterals > 0 ? this.#literals.get(channel) : undefined;
    if (literal === undefined) return this.#routes.get(call) ?? this.#search(call, undefined);
    const crowds: Subscribers<T>[] = [literal];
    this.#patterns.match(channel, crowds);
    return this.#routeOf(channel, crowds);
  }

  #search(channel: string, literal: Subscribers<T> | undefined): Route<T> {
    const crowds: Subscribers<T>[] = literal === undefined ? [] : [literal];
    this.#patterns.match(channel, crowds);
    const route = this.#routeOf(channel, crowds);
    this.#routes.set(channel, route);
    return route;
  }

  #routeOf(channel: string, crowds: readonly Subscribers<T>[]): Route<T> {
    const admits = this.#admits;
    return routeOf(crowds, admits && ((target: T) => admits(target, channel)));
  }
}

interface RouterGroup<T extends object> extends Group {
  readonly members: Map<T, Subscriber<T>>;
}

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new TypeError(`Router option ${name} must be a whole number of at least 0, not ${value}`);
  }
}
