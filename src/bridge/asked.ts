// What a broker is asked for on behalf of the other side: each pattern wanted there is one or more here, and several may be
// one.

import * as bridgeControl from '../link/bridge-control.js';

/** Keeps the patterns that one broker is asked for. */
export class Asked {
  readonly #sources: (pattern: string) => readonly string[];
  // For each pattern here those of the other side that need it, and how far away they are.
  readonly #needs = new Map<string, Map<string, number>>();
  readonly #told = new Map<string, number>();
  readonly #changed = new Set<string>();

  /** @param sources - the patterns here that a pattern of the other side needs. */
  constructor(sources: (pattern: string) => readonly string[]) {
    this.#sources = sources;
  }

  /** The other side wants a pattern, so far away from it; `undefined`: no more. */
  want(pattern: string, distance: number | undefined): void {
    for (const source of this.#sources(pattern)) {
      let needs = this.#needs.get(source);
      if (needs === undefined) this.#needs.set(source, (needs = new Map<string, number>()));
      if (distance === undefined) needs.delete(pattern);
      else needs.set(pattern, distance);
      if (needs.size === 0) this.#needs.delete(source);
      this.#changed.add(source);
    }
  }

  /** The broker is a new one, or has forgotten: everything is told again. */
  restart(): void {
    this.#told.clear();
    for (const source of this.#needs.keys()) this.#changed.add(source);
  }

  /** What is to be told, in as many messages as it takes: the bridge itself is one step. Taken as told. */
  *news(): Generator<bridgeControl.InterestBody, void, undefined> {
    let set: (readonly [string, number])[] = [];
    let unset: string[] = [];
    for (const source of this.#changed) {
      const nearest = Math.min(bridgeControl.UNREACHABLE, ...(this.#needs.get(source)?.values() ?? [])) + 1;
      const distance = nearest < bridgeControl.UNREACHABLE ? nearest : undefined;
      if (distance === this.#told.get(source)) continue;
      if (distance === undefined) {
        this.#told.delete(source);
        unset.push(source);
      } else {
        this.#told.set(source, distance);
        set.push([source, distance]);
      }
      if (set.length + unset.length < bridgeControl.INTEREST_PATTERNS) continue;
      yield { set, unset };
      [set, unset] = [[], []];
    }
    this.#changed.clear();
    if (set.length + unset.length > 0) yield { set, unset };
  }
}
