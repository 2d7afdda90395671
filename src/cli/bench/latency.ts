// How long messages took, as quantiles. Node has a histogram of fixed relative precision (HdrHistogram, in C): a package for it
// would be a dependency for what is there.

import { createHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface Latency {
  readonly messages: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const HOUR = 3_600_000_000_000;

export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: HOUR, figures: 3 });

  record(nanoseconds: number): void {
    this.#histogram.record(Math.min(HOUR, Math.max(1, Math.round(nanoseconds))));
  }

  /** What was recorded since the last time. */
  take(): Latency {
    const histogram = this.#histogram;
    const at = (share: number) => histogram.percentile(share) / 1e6;
    const taken = { messages: histogram.count, p50: at(50), p99: at(99), p999: at(99.9), max: histogram.max / 1e6 };
    histogram.reset();
    return taken;
  }
}
