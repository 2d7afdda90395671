// What the clients and bridges of one broker want of the others: told to the backplane as few patterns, that cover all of them.

import { includes, isPattern, Router } from '../../channels/index.js';
import type { Backplane } from '../../contracts/index.js';
import { CONTROL_PREFIX } from '../../link/control.js';

/** Patterns that a broker asks the backplane for. Past it, it asks for everything, and picks what it wants. */
export const MAX_WANTED = 10_000;

const ALL = '**';

interface Want {
  readonly pattern: string;
}

export class Wants {
  readonly #plane: Pick<Backplane, 'subscribe' | 'unsubscribe' | 'widened'>;
  readonly #limit: number;
  // Widened patterns, and how often each is wanted.
  readonly #wanted = new Map<string, number>();
  readonly #subscribed = new Set<string>();
  // Of the subscribed ones those with a wildcard, and who covers a channel.
  readonly #wide = new Map<string, Want>();
  readonly #covering = new Router<Want>({ maxCachedChannels: 0 });
  readonly #changed = new Set<string>();
  #everything = false;

  constructor(plane: Pick<Backplane, 'subscribe' | 'unsubscribe' | 'widened'>, limit = MAX_WANTED) {
    this.#plane = plane;
    this.#limit = limit;
  }

  /** Patterns that the backplane was asked for. */
  get size(): number {
    return this.#subscribed.size;
  }

  /** Whether something is still to be told. */
  get changed(): boolean {
    return this.#changed.size > 0;
  }

  add(pattern: string): void {
    this.#count(pattern, 1);
  }

  remove(pattern: string): void {
    this.#count(pattern, -1);
  }

  /** Tells the backplane what changed. @returns whether something more was asked for. */
  apply(): boolean {
    if (this.#changed.size === 0) return false;
    const changed = [...this.#changed];
    this.#changed.clear();
    const before = this.#subscribed.size;
    if (this.#wanted.size > this.#limit) return this.#askForEverything();
    if (this.#everything) {
      // Once there is room again for a while: not back and forth at the limit.
      if (this.#wanted.size > this.#limit / 2) return false;
      this.#everything = false;
      this.#drop(ALL);
      changed.push(...this.#wanted.keys());
    }
    let more = false;
    // What is wanted no more goes last: there is no gap between a pattern and the one that takes its place.
    for (const pattern of changed) if (this.#wanted.has(pattern)) more = this.#subscribe(pattern) || more;
    for (const pattern of changed) {
      if (!this.#wanted.has(pattern) && this.#subscribed.has(pattern)) more = this.#unsubscribe(pattern) || more;
    }
    return more || before === 0;
  }

  #count(given: string, difference: number): void {
    // Control messages stay where they are.
    if (given.startsWith(CONTROL_PREFIX)) return;
    const pattern = this.#plane.widened(given);
    const count = (this.#wanted.get(pattern) ?? 0) + difference;
    if (count > 0) this.#wanted.set(pattern, count);
    else this.#wanted.delete(pattern);
    if (count === 0 || count === difference) this.#changed.add(pattern);
  }

  #subscribe(pattern: string): boolean {
    if (this.#subscribed.has(pattern) || this.#covered(pattern)) return false;
    this.#take(pattern);
    if (isPattern(pattern)) {
      for (const other of [...this.#subscribed]) {
        if (other !== pattern && includes(pattern, other)) this.#drop(other);
      }
    }
    return true;
  }

  #unsubscribe(pattern: string): boolean {
    this.#forget(pattern);
    let more = false;
    if (isPattern(pattern)) {
      for (const other of this.#wanted.keys()) if (includes(pattern, other)) more = this.#subscribe(other) || more;
    }
    this.#plane.unsubscribe(pattern);
    return more;
  }

  #covered(pattern: string): boolean {
    if (!isPattern(pattern)) return this.#covering.route(pattern).length > 0;
    for (const other of this.#wide.keys()) if (includes(other, pattern)) return true;
    return false;
  }

  #askForEverything(): boolean {
    if (this.#everything) return false;
    this.#everything = true;
    const before = [...this.#subscribed].filter((pattern) => pattern !== ALL);
    if (!this.#subscribed.has(ALL)) this.#take(ALL);
    for (const pattern of before) this.#drop(pattern);
    return true;
  }

  #take(pattern: string): void {
    this.#subscribed.add(pattern);
    if (isPattern(pattern)) {
      const want = { pattern };
      this.#wide.set(pattern, want);
      this.#covering.subscribe(pattern, want);
    }
    this.#plane.subscribe(pattern);
  }

  #drop(pattern: string): void {
    this.#forget(pattern);
    this.#plane.unsubscribe(pattern);
  }

  #forget(pattern: string): void {
    this.#subscribed.delete(pattern);
    const want = this.#wide.get(pattern);
    if (want === undefined) return;
    this.#wide.delete(pattern);
    this.#covering.unsubscribe(pattern, want);
  }
}
