/**
 * Patterns with wildcards, stored as a tree of tokens, and the search for all that match a channel.
 *
 * The search follows every possible path at once, token by token: it keeps the set of nodes that the
 * tokens so far can lead to. A node is visited at most once for each token of the channel, so many `**`
 * cost no more than their nodes; trying the alternatives one after the other would be exponential.
 */

import { tokens } from './channel.js';
import { hasSubscriber, type Subscriber, type Subscribers, withoutSubscriber, withSubscriber } from './subscribers.js';
import { TokenBranch } from './token-branch.js';

class PatternNode<T extends object> extends TokenBranch<PatternNode<T>> {
  star: PatternNode<T> | undefined = undefined;
  rest: PatternNode<T> | undefined = undefined;
  subscribers: Subscribers<T> | undefined = undefined;
  /** Of a `**` node: whether the search that is running has reached it. From then on it stays reached. */
  reached = false;

  next(token: string): PatternNode<T> | undefined {
    if (token === '*') return this.star;
    return token === '**' ? this.rest : this.child(token);
  }

  link(token: string, node: PatternNode<T>): void {
    if (token === '*') this.star = node;
    else if (token === '**') this.rest = node;
    else this.attach(token, node);
  }

  unlink(token: string): void {
    if (token === '*') this.star = undefined;
    else if (token === '**') this.rest = undefined;
    else this.detach(token);
  }

  get isUnused(): boolean {
    return this.subscribers === undefined && this.star === undefined && this.rest === undefined && this.childless;
  }
}

export class PatternTrie<T extends object> {
  #root = new PatternNode<T>();
  #nodeCount = 1;
  #visits = 0;

  /** Nodes in the tree, the root included: 1 when no pattern is left. */
  get nodeCount(): number {
    return this.#nodeCount;
  }

  /** Nodes visited by all searches so far: the work they did, whatever the clock says. */
  get visits(): number {
    return this.#visits;
  }

  /** Adds a subscriber of a canonical pattern. False: it already was one. */
  add(pattern: string, subscriber: Subscriber<T>): boolean {
    let node = this.#root;
    for (const token of tokens(pattern)) {
      let next = node.next(token);
      if (next === undefined) {
        next = new PatternNode<T>();
        node.link(token, next);
        this.#nodeCount++;
      }
      node = next;
    }
    if (hasSubscriber(node.subscribers, subscriber)) return false;
    node.subscribers = withSubscriber(node.subscribers, subscriber);
    return true;
  }

  /** Removes a subscriber of a canonical pattern, and every node that nobody needs any more. False: it was none. */
  remove(pattern: string, subscriber: Subscriber<T>): boolean {
    const path = tokens(pattern);
    const parents: PatternNode<T>[] = [];
    let node = this.#root;
    for (const token of path) {
      const next = node.next(token);
      if (next === undefined) return false;
      parents.push(node);
      node = next;
    }
    const { subscribers } = node;
    if (subscribers === undefined || !hasSubscriber(subscribers, subscriber)) return false;
    node.subscribers = withoutSubscriber(subscribers, subscriber);
    while (node.isUnused) {
      const parent = parents.pop();
      const token = path[parents.length];
      if (parent === undefined || token === undefined) break;
      parent.unlink(token);
      this.#nodeCount--;
      node = parent;
    }
    return true;
  }

  /** Appends the subscribers of every pattern that matches a canonical channel; each pattern's once. */
  match(channel: string, found: Subscribers<T>[]): void {
    // `active` are the nodes reached by exactly the tokens so far; a `**` node is in `rests` instead,
    // for good, because one more token never leaves it.
    let active: PatternNode<T>[] = [];
    const rests: PatternNode<T>[] = [];
    let visits = 1;
    reach(this.#root, active, rests, found);
    let start = 0;
    while (start < channel.length) {
      const restCount = rests.length; // those reached during this step do not see its token
      if (active.length + restCount === 0) break;
      visits += active.length + restCount;
      const slash = channel.indexOf('/', start);
      const end = slash < 0 ? channel.length : slash;
      const token = channel.slice(start, end);
      start = end + 1;
      const next: PatternNode<T>[] = [];
      for (const node of active) step(node, token, next, rests, found);
      for (let i = 0; i < restCount; i++) {
        const rest = rests[i];
        if (rest !== undefined) step(rest, token, next, rests, found);
      }
      active = next;
    }
    for (const node of active) {
      if (node.subscribers !== undefined) found.push(node.subscribers);
    }
    for (const rest of rests) rest.reached = false;
    this.#visits += visits;
  }

  clear(): void {
    this.#root = new PatternNode<T>();
    this.#nodeCount = 1;
  }
}

function step<T extends object>(
  node: PatternNode<T>,
  token: string,
  active: PatternNode<T>[],
  rests: PatternNode<T>[],
  found: Subscribers<T>[],
): void {
  const literal = node.child(token);
  if (literal !== undefined) reach(literal, active, rests, found);
  if (node.star !== undefined) reach(node.star, active, rests, found);
}

function reach<T extends object>(
  node: PatternNode<T>,
  active: PatternNode<T>[],
  rests: PatternNode<T>[],
  found: Subscribers<T>[],
): void {
  active.push(node);
  const { rest } = node;
  if (rest === undefined || rest.reached) return;
  rest.reached = true;
  rests.push(rest);
  // Whatever follows, a pattern that ends in this `**` matches.
  if (rest.subscribers !== undefined) found.push(rest.subscribers);
}
