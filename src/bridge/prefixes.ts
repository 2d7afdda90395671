// Channels that have another name on the other side: one prefix there for one here.

import { canonical, includes, isPattern, tokens } from '../channels/index.js';

/** What begins with `prefix1` on side 1 begins with `prefix2` on side 2. An empty one stands for every channel. */
export interface PrefixPair {
  readonly prefix1: string;
  readonly prefix2: string;
}

interface Rule {
  readonly from: string;
  readonly to: string;
}

/**
 * One direction of the mapping. A channel crosses under the name that the first pair gives it, or under its own when none
 * does; but only when its new name leads back to it, so that no two channels fall into one.
 */
export class Renaming {
  readonly #rules: readonly Rule[];
  readonly #back: readonly Rule[];

  /**
   * @param from - the side that messages come from.
   * @throws {TypeError} for a prefix with a wildcard.
   */
  constructor(pairs: readonly PrefixPair[], from: 1 | 2) {
    const rules = pairs.map(({ prefix1, prefix2 }) => ({ from: prefixOf(prefix1), to: prefixOf(prefix2) }));
    const backwards = rules.map((rule) => ({ from: rule.to, to: rule.from }));
    [this.#rules, this.#back] = from === 1 ? [rules, backwards] : [backwards, rules];
  }

  /** Whether every channel keeps its name. */
  get idle(): boolean {
    return this.#rules.length === 0;
  }

  /** The channel's name on the other side; `undefined`: it does not cross. */
  rename(channel: string): string | undefined {
    const renamed = applied(this.#rules, channel);
    return applied(this.#back, renamed) === channel ? renamed : undefined;
  }

  /** Patterns that match, on the side that messages come from, whatever becomes a channel that `pattern` matches. */
  sources(pattern: string): string[] {
    const sources = new Set<string>();
    for (const { from, to } of this.#back) {
      for (const rest of without(pattern, from)) sources.add(canonical(`${to}/${rest}`));
    }
    // What no pair names keeps its name.
    if (!this.#back.some(({ from }) => includes(from === '' ? '**' : `${from}/**`, pattern))) sources.add(pattern);
    return [...sources];
  }
}

function prefixOf(text: string): string {
  const prefix = canonical(text);
  if (isPattern(prefix)) throw new TypeError(`map: the prefix ${JSON.stringify(text)} must have no wildcard`);
  return prefix;
}

function applied(rules: readonly Rule[], channel: string): string {
  for (const { from, to } of rules) {
    if (channel === from) return to;
    if (from === '') return channel === '' ? to : joined(to, channel);
    if (channel.startsWith(`${from}/`)) return joined(to, channel.slice(from.length + 1));
  }
  return channel;
}

function joined(prefix: string, rest: string): string {
  return prefix === '' ? rest : `${prefix}/${rest}`;
}

/** What a pattern says about the rest of channels that begin with these tokens. */
function without(pattern: string, prefix: string): string[] {
  let rests: string[][] = [tokens(pattern).slice()];
  for (const token of tokens(prefix)) {
    const next = new Map<string, string[]>();
    const consume = ([first, ...others]: readonly string[]): void => {
      if (first === token || first === '*') next.set(others.join('/'), others);
      if (first !== '**') return;
      next.set(['**', ...others].join('/'), ['**', ...others]);
      consume(others);
    };
    rests.forEach(consume);
    rests = [...next.values()];
  }
  return rests.map((rest) => rest.join('/'));
}
