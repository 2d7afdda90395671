/**
 * Who holds one pattern. Nearly every pattern has a single subscriber, so that one is held directly, a few
 * in an exactly sized array, and only a crowd in a Set.
 */

import type { Group, GroupRoute, Route } from './routes.js';

/** A target with at least one subscription in a router, of its own or as a member of a group. */
export class Subscriber<T extends object> {
  readonly target: T;
  /** Grows with every new subscriber of a router: the order of targets in a route. */
  readonly rank: number;
  /** The group in which it is a member; `undefined`: it subscribed for itself. */
  readonly group: Group | undefined;
  /** How many patterns it holds. */
  patterns = 0;
  /** Set only while a route is being put together, so that it is listed once. */
  listed = false;

  constructor(target: T, rank: number, group?: Group) {
    this.target = target;
    this.rank = rank;
    this.group = group;
  }
}

export type Subscribers<T extends object> = Subscriber<T> | readonly Subscriber<T>[] | Set<Subscriber<T>>;

/** Beyond this a linear search costs more than a Set. */
const LARGEST_ARRAY = 8;

export function hasSubscriber<T extends object>(all: Subscribers<T> | undefined, one: Subscriber<T>): boolean {
  if (all === undefined) return false;
  if (all instanceof Subscriber) return all === one;
  return all instanceof Set ? all.has(one) : all.includes(one);
}

/** All and one more, which was not among them. What was passed in may have been changed; use the result. */
export function withSubscriber<T extends object>(all: Subscribers<T> | undefined, one: Subscriber<T>): Subscribers<T> {
  if (all === undefined) return one;
  if (all instanceof Subscriber) return [all, one];
  if (all instanceof Set) return all.add(one);
  // concat sizes the array exactly, where push would leave room for some 20 more.
  return all.length < LARGEST_ARRAY ? all.concat([one]) : new Set(all).add(one);
}

/** All but one, which was among them; undefined when nobody is left. What was passed in may have been changed. */
export function withoutSubscriber<T extends object>(
  all: Subscribers<T>,
  one: Subscriber<T>,
): Subscribers<T> | undefined {
  if (all instanceof Subscriber) return undefined;
  let rest: readonly Subscriber<T>[];
  if (all instanceof Set) {
    all.delete(one);
    // Half of the limit, so that one subscriber who comes and goes does not rebuild the Set each time.
    if (all.size > LARGEST_ARRAY / 2) return all;
    rest = [...all];
  } else {
    rest = all.filter((each) => each !== one);
  }
  return rest.length === 1 ? rest[0] : rest;
}

/**
 * What several crowds of subscribers make of a channel: each target once, in the order of rank, members by their groups.
 * @param admits - whether a target may be among them. Default: yes.
 */
export function routeOf<T extends object>(
  crowds: readonly Subscribers<T>[],
  admits?: (target: T) => boolean,
): Route<T> {
  let list: Subscriber<T>[] = [];
  let sorted = true;
  let lastRank = -1;
  let grouped = false;
  const add = (one: Subscriber<T>): void => {
    if (one.listed) return;
    one.listed = true;
    if (one.rank < lastRank) sorted = false;
    lastRank = one.rank;
    if (one.group !== undefined) grouped = true;
    list.push(one);
  };
  for (const crowd of crowds) {
    if (crowd instanceof Subscriber) add(crowd);
    else crowd.forEach(add);
  }
  if (!sorted) list.sort((a, b) => a.rank - b.rank);
  for (const one of list) one.listed = false;
  if (admits !== undefined) list = list.filter(({ target }) => admits(target));
  if (!grouped) return { targets: list.map(({ target }) => target), groups: NO_GROUPS };
  return {
    targets: list.filter(({ group }) => group === undefined).map(({ target }) => target),
    groups: groupsOf(list),
  };
}

const NO_GROUPS: readonly [] = [];

function groupsOf<T extends object>(list: readonly Subscriber<T>[]): GroupRoute<T>[] {
  const byGroup = new Map<Group, T[]>();
  for (const { group, target } of list) {
    if (group === undefined) continue;
    const members = byGroup.get(group);
    if (members === undefined) byGroup.set(group, [target]);
    else members.push(target);
  }
  return Array.from(byGroup, ([group, members]) => ({ group, members }));
}
