// Who gets a message, by trying every pattern: for few subscriptions, and where little code counts.

import { matches } from './pattern.js';
import type { Routes } from './routes.js';

/** The same as a `Router`, with nothing remembered: a message costs as much as there are subscriptions. */
export class PatternList<T extends object> implements Routes<T> {
  readonly #patterns = new Map<T, Set<string>>();

  subscribe(pattern: string, target: T): boolean {
    const patterns = this.#patterns.get(target) ?? new Set();
    this.#patterns.set(target, patterns);
    return patterns.size < patterns.add(pattern).size;
  }

  unsubscribe(pattern: string, target: T): boolean {
    const patterns = this.#patterns.get(target);
    const known = patterns?.delete(pattern) === true;
    if (patterns?.size === 0) this.#patterns.delete(target);
    return known;
  }

  route(channel: string): readonly T[] {
    const targets: T[] = [];
    for (const [target, patterns] of this.#patterns) {
      for (const pattern of patterns) {
        if (!matches(pattern, channel)) continue;
        targets.push(target);
        break;
      }
    }
    return targets;
  }

  clear(): void {
    this.#patterns.clear();
  }
}
