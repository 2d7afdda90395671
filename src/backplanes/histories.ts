// Which channels are kept as history, and which history has all of a pattern.

import { canonical, includes, intersects, Router } from '../channels/index.js';
import type { HistoryRule } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/**
 * Rules with their patterns in canonical form.
 * @throws {TypeError} for a rule that makes no sense, or two that have a channel in common.
 */
export function requireHistoryRules(rules: readonly HistoryRule[]): HistoryRule[] {
  const checked = rules.map((rule) => {
    const { pattern, maxAge, maxBytes, maxMessages } = rule;
    if (typeof pattern !== 'string') throw new TypeError('history: a pattern must be a string');
    const limits = Object.entries({ maxAge, maxBytes, maxMessages }).filter(([, limit]) => limit !== undefined);
    if (limits.length === 0) {
      throw new TypeError(`history of ${pattern}: without maxAge, maxBytes or maxMessages it would grow for ever`);
    }
    for (const [name, limit] of limits) {
      if (!(limit !== undefined && Number.isSafeInteger(limit) && limit >= 1)) {
        throw new TypeError(`history of ${pattern}: ${name} must be a whole number of at least 1`);
      }
    }
    return { ...rule, pattern: canonical(pattern) };
  });
  for (const [index, { pattern }] of checked.entries()) {
    const other = checked.slice(0, index).find((earlier) => intersects(earlier.pattern, pattern));
    if (other !== undefined) throw new TypeError(overlapping(other.pattern, pattern));
  }
  return checked;
}

export function overlapping(one: string, other: string): string {
  return `history: ${one} and ${other} have channels in common; each channel has one history`;
}

/** The histories of one backplane, by what they keep. */
export class Histories<T extends { readonly pattern: string }> {
  readonly #all = new Map<string, T>();
  #router = new Router<T>();

  get patterns(): readonly string[] {
    return [...this.#all.keys()];
  }

  all(): readonly T[] {
    return [...this.#all.values()];
  }

  /** In place of those before. */
  set(all: readonly T[]): void {
    this.#all.clear();
    this.#router = new Router();
    for (const one of all) {
      this.#all.set(one.pattern, one);
      this.#router.subscribe(one.pattern, one);
    }
  }

  /** The history of a channel. Hot where there are histories: routes are remembered. */
  of(channel: string): T | undefined {
    return this.#all.size === 0 ? undefined : this.#router.route(channel)[0];
  }

  /** @throws {SpokeError} `UNSUPPORTED`: none has all of the pattern. */
  having(pattern: string): T {
    for (const one of this.#all.values()) if (includes(one.pattern, pattern)) return one;
    const kept = this.#all.size === 0 ? 'nothing' : this.patterns.join(', ');
    throw new SpokeError('UNSUPPORTED', `no history has all of ${pattern}; what is kept: ${kept}`);
  }
}
