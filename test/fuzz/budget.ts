// How long fuzzing goes on. In CI a short while, by hand as long as you like:
//
//   SPOKE_FUZZ_SECONDS=120 npm run test:fuzz      each property for two minutes (instead of a number of runs)
//   SPOKE_FUZZ_RUNS=5000 npm run test:fuzz        each property so often; default 120
//   SPOKE_FUZZ_SEED=random npm run test:fuzz      another seed: see test/support/fast-check.ts
//
// With SPOKE_FUZZ_SECONDS or SPOKE_FUZZ_RUNS set, each property says on stderr how much it tried.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Parameters } from 'fast-check';

const DEFAULT_RUNS = 120;

const seconds = number('SPOKE_FUZZ_SECONDS');
const runs = number('SPOKE_FUZZ_RUNS') ?? DEFAULT_RUNS;

/** For fast-check. */
export function budget<T>(): Parameters<T> {
  return {
    numRuns: seconds === undefined ? runs : Number.MAX_SAFE_INTEGER,
    ...(seconds !== undefined && { interruptAfterTimeLimit: seconds * 1000 }),
    // A failing run takes its time, and so does making it small.
    verbose: 1,
  };
}

/** For jest, in milliseconds: far more than the budget needs. */
export const TIMEOUT = seconds === undefined ? 60_000 + runs * 200 : seconds * 1000 + 120_000;

/** What was tried, for the person who asked for a long run. */
export class Tally {
  readonly #name: string;
  #inputs = 0;
  #bytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  add({ pieces }: { readonly pieces: readonly Uint8Array[] }): void {
    this.#inputs++;
    for (const { length } of pieces) this.#bytes += length;
  }

  /** @param more - what else there is to say. */
  report(more?: string): void {
    if (seconds === undefined && process.env['SPOKE_FUZZ_RUNS'] === undefined) return;
    const text = more === undefined ? '' : `; ${more}`;
    process.stderr.write(`${this.#name}: ${this.#inputs} inputs, ${this.#bytes} bytes${text}\n`);
  }
}

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** The heap in use, after a collection, at its beginning and now. In MiB. */
export class MemoryNote {
  readonly #began = used();
  #now = this.#began;

  get grown(): number {
    this.#now = used();
    return this.#now - this.#began;
  }

  text(): string {
    return `${this.#began.toFixed(1)} MiB at the start, ${(this.#began + this.grown).toFixed(1)} at the end`;
  }
}

function used(): number {
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / (1 << 20);
}

function number(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} must be a whole number, not ${text}`);
  return value;
}
