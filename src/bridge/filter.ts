// What crosses a bridge in one direction, by pattern.

import { canonical, includes, intersects, matches } from '../channels/index.js';

/** A pattern, for both directions, or for what comes from one side. It says the names of the side that messages come from. */
export type BridgeFilter = string | { readonly pattern: string; readonly from?: 1 | 2 };

export interface FilterOptions {
  /** What crosses. Default: everything. */
  readonly include?: readonly BridgeFilter[];
  /** What does not, though it is included. */
  readonly exclude?: readonly BridgeFilter[];
}

/** Channels of which the answer is remembered; past it they are forgotten. */
const REMEMBERED = 4096;

/** Decides for messages from one side. */
export class Filter {
  readonly #include: readonly string[] | undefined;
  readonly #exclude: readonly string[];
  readonly #answers = new Map<string, boolean>();

  /** @param from - the side that messages come from. */
  constructor({ include, exclude = [] }: FilterOptions, from: 1 | 2) {
    this.#include = include === undefined ? undefined : patternsFor(include, from);
    this.#exclude = patternsFor(exclude, from);
  }

  passes(channel: string): boolean {
    if (this.#include === undefined && this.#exclude.length === 0) return true;
    let answer = this.#answers.get(channel);
    if (answer === undefined) {
      if (this.#answers.size >= REMEMBERED) this.#answers.clear();
      const included = this.#include?.some((pattern) => matches(pattern, channel)) ?? true;
      answer = included && !this.#exclude.some((pattern) => matches(pattern, channel));
      this.#answers.set(channel, answer);
    }
    return answer;
  }

  /** Patterns that match whatever of `pattern` passes, and as little else as can be said. */
  narrowed(pattern: string): string[] {
    const narrowed = new Set<string>();
    for (const included of this.#include ?? ['**']) {
      if (includes(included, pattern)) narrowed.add(pattern);
      else if (includes(pattern, included)) narrowed.add(included);
      else if (intersects(pattern, included)) narrowed.add(pattern);
    }
    return [...narrowed].filter((one) => !this.#exclude.some((excluded) => includes(excluded, one)));
  }
}

function patternsFor(filters: readonly BridgeFilter[], from: 1 | 2): string[] {
  return filters.flatMap((filter) => {
    if (typeof filter === 'string') return [canonical(filter)];
    return filter.from === undefined || filter.from === from ? [canonical(filter.pattern)] : [];
  });
}
