import { matches } from './pattern.js';

/** Checking this many patterns costs about as much as a new search (test/bench/micro/router.bench.ts). */
const REMEMBERED = 32;

/** The latest of a series of changed patterns: tells whether what was known at some point still holds. */
export class ChangeLog {
  /** Changes so far. What is known now is "as of" this count. */
  count = 0;
  /** Change n is at n % REMEMBERED. */
  readonly #latest: string[] = [];

  add(pattern: string): void {
    this.#latest[this.count % REMEMBERED] = pattern;
    this.count++;
  }

  /** Whether a change since then concerns the channel, or is too long ago to tell. */
  mayConcern(channel: string, since: number): boolean {
    if (this.count - since > REMEMBERED) return true;
    for (let change = since; change < this.count; change++) {
      const pattern = this.#latest[change % REMEMBERED];
      if (pattern === undefined || matches(pattern, channel)) return true;
    }
    return false;
  }
}
