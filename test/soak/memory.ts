// Memory over time, after collections, and the line that fits it best.

import type { Resources } from './world.js';

export interface Sample {
  /** Since the start. */
  readonly seconds: number;
  /** Heap in use and buffers outside of it, in MiB. */
  readonly used: number;
  /** Of that, buffers, in MiB. */
  readonly buffers: number;
  /** Of the process, in MiB: what the system sees. */
  readonly resident: number;
  /** Sockets, timers and the like that are open. */
  readonly handles: number;
  readonly resources: Resources;
}

export interface Fit {
  /** MiB at the beginning and at the end of the line. */
  readonly from: number;
  readonly to: number;
  /** MiB an hour. */
  readonly slope: number;
  readonly samples: number;
}

const MIB = 1 << 20;
/** Until then whatever is bounded may still be filling up. */
const WARM_UP = 1 / 3;

export class Memory {
  readonly samples: Sample[] = [];
  readonly #began = performance.now();
  readonly #resources: () => Resources;

  constructor(resources: () => Resources) {
    this.#resources = resources;
  }

  sample(): Sample {
    // Twice: what is released by finalizers goes with the second one.
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    const sample = {
      seconds: (performance.now() - this.#began) / 1000,
      used: (heapUsed + external) / MIB,
      buffers: external / MIB,
      resident: rss / MIB,
      handles: process.getActiveResourcesInfo().length,
      resources: this.#resources(),
    };
    this.samples.push(sample);
    return sample;
  }

  /** By least squares, of all samples after the warm-up. */
  fit(of: (sample: Sample) => number): Fit {
    const end = this.samples.at(-1)?.seconds ?? 0;
    const kept = this.samples.filter(({ seconds }) => seconds >= end * WARM_UP);
    const x = mean(kept.map(({ seconds }) => seconds));
    const y = mean(kept.map(of));
    let [xy, xx] = [0, 0];
    for (const sample of kept) {
      xy += (sample.seconds - x) * (of(sample) - y);
      xx += (sample.seconds - x) ** 2;
    }
    const slope = xx === 0 ? 0 : xy / xx;
    const at = (seconds: number) => y + slope * (seconds - x);
    return { from: at(kept[0]?.seconds ?? 0), to: at(end), slope: slope * 3600, samples: kept.length };
  }
}

/** In MiB: what is bounded, and has not been filled yet, may still grow in a run of seconds. */
const ALLOWED = { short: 6, long: 2 };
const LONG = 10;

/** Has grown by less than a twentieth, or than a little. */
export function isFlat({ from, to }: Fit, minutes: number): boolean {
  return to - from < Math.max(minutes < LONG ? ALLOWED.short : ALLOWED.long, from / 20);
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
}
