/**
 * Who holds one pattern. Nearly every pattern has a single subscriber, so that one is held directly, a few
 * in an exactly sized array, and only a crowd in a Set.
 */

/** A target with at least one subscription in a router. */
export class Subscriber<T extends object> {
  readonly target: T;
  /** Grows with every new subscriber of a router: the order of targets in a route. */
  readonly rank: number;
  /** How many patterns it holds. */
  patterns = 0;
  /** Set only while a route is being put together, so that it is listed once. */
  listed = false;

  constructor(target: T, rank: number) {
    this.target = target;
    this.rank = rank;
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

/** The targets of several groups of subscribers, each once, in the order of rank. */
export function targetsOf<T extends object>(groups: readonly Subscribers<T>[]): T[] {
  const list: Subscriber<T>[] = [];
  let sorted = true;
  let lastRank = -1;
  const add = (one: Subscriber<T>): void => {
    if (one.listed) return;
    one.listed = true;
    if (one.rank < lastRank) sorted = false;
    lastRank = one.rank;
    list.push(one);
  };
  for (const group of groups) {
    if (group instanceof Subscriber) add(group);
    else group.forEach(add);
  }
  if (!sorted) list.sort((a, b) => a.rank - b.rank);
  return list.map((one) => {
    one.listed = false;
    return one.target;
  });
}
