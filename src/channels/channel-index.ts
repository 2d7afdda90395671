/**
 * Values by channel that can be looked up by pattern, such as the kept message of each channel.
 *
 * A flat Map answers `get` and keeps the order; a tree of tokens leads a pattern to the channels below its
 * literal beginning. A channel has a node only as far as it shares its beginning with another one, so an
 * entry costs about 150 bytes beside its channel and value (test/bench/micro/router.bench.ts).
 */

import { isPattern, tokens } from './channel.js';
import { matches } from './pattern.js';
import { TokenBranch } from './token-branch.js';

class Entry<V> {
  readonly channel: string;
  readonly order: number;
  value: V;

  constructor(channel: string, order: number, value: V) {
    this.channel = channel;
    this.order = order;
    this.value = value;
  }
}

/** All channels that begin with the tokens on the way here: one of exactly these tokens, and longer ones. */
class Branch<V> extends TokenBranch<Branch<V> | Entry<V>> {
  here: Entry<V> | undefined = undefined;
}

/** Every channel and pattern must be canonical (see `canonical`). */
export class ChannelIndex<V> {
  readonly #entries = new Map<string, Entry<V>>();
  #root = new Branch<V>();
  #nextOrder = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(channel: string): V | undefined {
    return this.#entries.get(channel)?.value;
  }

  /** An update keeps the place of the channel in the order. */
  set(channel: string, value: V): this {
    const known = this.#entries.get(channel);
    if (known !== undefined) {
      known.value = value;
      return this;
    }
    const entry = new Entry(channel, this.#nextOrder++, value);
    this.#entries.set(channel, entry);
    insert(this.#root, entry);
    return this;
  }

  /** False when there was no value. A channel that is set again later goes to the end of the order. */
  delete(channel: string): boolean {
    const entry = this.#entries.get(channel);
    if (entry === undefined) return false;
    this.#entries.delete(channel);
    remove(this.#root, entry);
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#root = new Branch();
  }

  /** All values, in the order in which their channels were first set. */
  *values(): IterableIterator<V> {
    for (const entry of this.#entries.values()) yield entry.value;
  }

  /** The values of all channels that the pattern matches, in the order in which these were first set. */
  match(pattern: string): V[] {
    if (!isPattern(pattern)) {
      const entry = this.#entries.get(pattern);
      return entry === undefined ? [] : [entry.value];
    }
    const path = tokens(pattern);
    // Very many are sooner picked out of the Map, where they are in order, than collected and sorted.
    const found = path[0] === '**' ? undefined : candidates(this.#root, path, this.size / 4);
    if (found === undefined) return this.#scan(pattern);
    return found
      .filter((entry) => matches(pattern, entry.channel))
      .sort((a, b) => a.order - b.order)
      .map((entry) => entry.value);
  }

  #scan(pattern: string): V[] {
    const result: V[] = [];
    for (const entry of this.#entries.values()) {
      if (matches(pattern, entry.channel)) result.push(entry.value);
    }
    return result;
  }
}

/** Puts an entry as near to the root as no other channel begins with the same tokens. */
function insert<V>(root: Branch<V>, entry: Entry<V>): void {
  const path = tokens(entry.channel);
  let branch = root;
  for (const [depth, token] of path.entries()) {
    const child = branch.child(token);
    if (child === undefined) {
      branch.attach(token, entry);
      return;
    }
    if (child instanceof Entry) {
      // It begins with the same tokens and was alone here: both go down as far as they are alike.
      const fork = new Branch<V>();
      branch.attach(token, fork);
      insertBoth(fork, entry, path, child, tokens(child.channel), depth + 1);
      return;
    }
    branch = child;
  }
  branch.here = entry;
}

/** Puts two entries, whose channels differ but share `depth` tokens, below the branch of these tokens. */
function insertBoth<V>(
  top: Branch<V>,
  left: Entry<V>,
  leftPath: readonly string[],
  right: Entry<V>,
  rightPath: readonly string[],
  depth: number,
): void {
  let branch = top;
  for (let i = depth; ; i++) {
    const leftToken = leftPath[i];
    const rightToken = rightPath[i];
    if (leftToken === rightToken && leftToken !== undefined) {
      const shared = new Branch<V>();
      branch.attach(leftToken, shared);
      branch = shared;
      continue;
    }
    if (leftToken === undefined) branch.here = left;
    else branch.attach(leftToken, left);
    if (rightToken === undefined) branch.here = right;
    else branch.attach(rightToken, right);
    return;
  }
}

function remove<V>(root: Branch<V>, entry: Entry<V>): void {
  const path = tokens(entry.channel);
  const parents: Branch<V>[] = [];
  let branch = root;
  for (const token of path) {
    const child = branch.child(token);
    if (child === entry) {
      branch.detach(token);
      break;
    }
    if (!(child instanceof Branch)) break;
    parents.push(branch);
    branch = child;
  }
  if (branch.here === entry) branch.here = undefined;
  // Empty branches go. One that leads to a single entry may stay: it costs little and is often needed again.
  while (branch.childless && branch.here === undefined) {
    const parent = parents.pop();
    if (parent === undefined) break;
    parent.detach(path[parents.length] ?? '');
    branch = parent;
  }
}

/**
 * The entries below the part of the pattern before its first `**`; some may not match its other tokens. `undefined`: there are
 * more than `most`.
 */
function candidates<V>(root: Branch<V>, pattern: readonly string[], most: number): Entry<V>[] | undefined {
  const found: Entry<V>[] = [];
  let level: (Branch<V> | Entry<V>)[] = [root];
  for (const token of pattern) {
    if (token === '**') {
      addEvery(level, found, most);
      return found.length > most ? undefined : found;
    }
    const next: (Branch<V> | Entry<V>)[] = [];
    for (const slot of level) {
      if (slot instanceof Entry) {
        found.push(slot); // it has no branch of its own from here on
      } else if (token === '*') {
        slot.pushChildren(next);
      } else {
        const child = slot.child(token);
        if (child !== undefined) next.push(child);
      }
    }
    level = next;
  }
  for (const slot of level) {
    const entry = slot instanceof Entry ? slot : slot.here;
    if (entry !== undefined) found.push(entry);
  }
  return found.length > most ? undefined : found;
}

/** Stops when there are more than `most`. */
function addEvery<V>(slots: (Branch<V> | Entry<V>)[], found: Entry<V>[], most: number): void {
  for (let slot = slots.pop(); slot !== undefined && found.length <= most; slot = slots.pop()) {
    if (slot instanceof Entry) {
      found.push(slot);
    } else {
      if (slot.here !== undefined) found.push(slot.here);
      slot.pushChildren(slots);
    }
  }
}
