// What a broker is asked for on behalf of the other side: each pattern wanted there is one or more here, and several may be
// one. When it is very many, everything that may cross is asked for instead: a broker takes so many patterns of a
// connection and no more, and whoever subscribes to very many may not keep others from being heard.

import * as bridgeControl from '../link/bridge-control.js';
import { GROUP_INTEREST_PREFIX, groupInterest, readWanted } from '../link/group-control.js';

/** Patterns past which everything is asked for; again one by one below half of it. */
const MANY = 10_000;

export interface AskedOptions {
  /** The patterns here that a pattern of the other side needs. */
  readonly sources: (pattern: string) => readonly string[];
  /** Patterns of all that may cross. */
  readonly everything: () => readonly string[];
}

/** Keeps the patterns that one broker is asked for. */
export class Asked {
  readonly #options: AskedOptions;
  // For each pattern here those of the other side that need it, and how far away they are.
  readonly #needs = new Map<string, Map<string, number>>();
  readonly #told = new Map<string, number>();
  #changed = new Set<string>();
  /** Asked for instead of what is needed. */
  #everything: ReadonlySet<string> | undefined;
  /** Those for members of groups that were told: nothing can be asked for instead of them. */
  #groupsTold = 0;
  #away = false;

  constructor(options: AskedOptions) {
    this.#options = options;
  }

  /** The other side wants a pattern, so far away from it; `undefined`: no more. */
  want(pattern: string, distance: number | undefined): void {
    for (const source of this.#sourcesOf(pattern)) {
      let needs = this.#needs.get(source);
      if (needs === undefined) this.#needs.set(source, (needs = new Map<string, number>()));
      if (distance === undefined) needs.delete(pattern);
      else needs.set(pattern, distance);
      if (needs.size === 0) this.#needs.delete(source);
      this.#changed.add(source);
    }
  }

  // What is wanted for a group stays so under another name.
  #sourcesOf(wanted: string): readonly string[] {
    const { pattern, group } = readWanted(wanted);
    const sources = this.#options.sources(pattern);
    return group === undefined ? sources : sources.map((source) => groupInterest({ pattern: source, group }));
  }

  /** The other side is away: messages wait for it. Those for one member of a group better go to another member. */
  away(away: boolean): void {
    if (this.#away === away) return;
    this.#away = away;
    for (const source of this.#needs.keys()) if (isForGroup(source)) this.#changed.add(source);
  }

  /** The broker is a new one, or has forgotten: everything is told again. */
  restart(): void {
    this.#told.clear();
    this.#groupsTold = 0;
    this.#changed = new Set([...(this.#everything ?? []), ...this.#needs.keys()]);
  }

  /** What is to be told, in as many messages as it takes: the bridge itself is one step. Taken as told. */
  *news(): Generator<bridgeControl.InterestBody, void, undefined> {
    this.#count();
    let set: (readonly [string, number])[] = [];
    let unset: string[] = [];
    for (const source of this.#changed) {
      const distance = this.#distance(source);
      if (distance === this.#told.get(source)) continue;
      if (isForGroup(source) && this.#told.has(source) !== (distance !== undefined)) {
        this.#groupsTold += distance === undefined ? -1 : 1;
      }
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

  // What is asked for from now on is told before what is not.
  #count(): void {
    const needed = this.#needs.size;
    if (this.#everything === undefined && needed > MANY) {
      this.#everything = new Set(this.#options.everything());
      this.#changed = new Set([...this.#everything, ...this.#told.keys()]);
    } else if (this.#everything !== undefined && needed < MANY / 2) {
      this.#changed = new Set([...this.#needs.keys(), ...this.#everything]);
      this.#everything = undefined;
    }
  }

  #distance(source: string): number | undefined {
    const forGroup = isForGroup(source);
    // Somebody near wants most of it, mostly.
    if (this.#everything !== undefined && !forGroup) return this.#everything.has(source) ? 1 : undefined;
    if (forGroup && this.#groupsTold >= MANY && !this.#told.has(source)) return undefined;
    let nearest: number = bridgeControl.UNREACHABLE;
    for (const distance of this.#needs.get(source)?.values() ?? []) nearest = Math.min(nearest, distance);
    if (nearest + 1 >= bridgeControl.UNREACHABLE) return undefined;
    // As far as can be: then it is chosen last, and not from beyond the broker that is told.
    return forGroup && this.#away ? bridgeControl.UNREACHABLE - 1 : nearest + 1;
  }
}

function isForGroup(source: string): boolean {
  return source.startsWith(GROUP_INTEREST_PREFIX);
}
