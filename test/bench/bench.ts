// The rounds: every workload on every server, one after the other.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Drivers } from './drivers/start.js';
import type { Options } from './options.js';
import type { Result } from './results.js';
import { isNeeded } from './targets.js';
import type { ServerKind } from './servers/index.js';
import type { Figures, Workload } from './workloads/index.js';

const SPARE_SECONDS = 45;

/** The failure of what was under way when the user interrupted. */
export const INTERRUPTED = 'interrupted';

export interface Step {
  readonly round: number;
  readonly workload: Workload;
  readonly kind: ServerKind;
}

/** What will be run, in this order. */
export function plan({ rounds, workloads, servers, table }: Options): Step[] {
  const steps: Step[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const workload of workloads) {
      for (const kind of servers) {
        if (table && !isNeeded(workload.name, kind.name)) continue;
        if (workload.unfit(kind) === undefined) steps.push({ round, workload, kind });
      }
    }
  }
  return steps;
}

/** Seconds, roughly: starting a server and its drivers takes about as long as a short measurement. */
export function estimate(options: Options, steps: readonly Step[]): number {
  if (options.smoke) return steps.length * 0.6;
  const { warmSeconds, seconds } = options.scale;
  return steps.reduce((sum, { workload: { name } }) => {
    if (name === 'replay' || name === 'idle' || name === 'start') return sum + 4;
    const times = name === 'crowd' || name === 'stall' ? 5 : name.startsWith('rpc') ? 2 : 1;
    return sum + 0.7 + (warmSeconds + seconds) * times;
  }, 0);
}

/** Never rejects: a failure is a result, so that the other servers get theirs. */
export async function perform(step: Step, options: Options, signal: AbortSignal): Promise<Result> {
  const { round, workload, kind } = step;
  const name = { workload: workload.name, server: kind.name, round };
  try {
    return { ...name, figures: await measure(step, options, signal) };
  } catch (error) {
    // A terminal interrupts the servers as well, so they may be the first to fail.
    if (signal.aborted) return { ...name, failure: INTERRUPTED };
    return { ...name, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Where the profile of a step is written. */
export function profileName({ workload, kind, round }: Step): string {
  return `${workload.name}-${kind.name}-${round}.cpuprofile`;
}

async function measure(step: Step, { scale, profile }: Options, signal: AbortSignal): Promise<Figures> {
  const { kind, workload } = step;
  const folder = mkdtempSync(join(tmpdir(), 'spoke-bench-'));
  const drivers = new Drivers();
  const nodeArguments =
    profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${profileName(step)}`];
  try {
    const server = await kind.start({ folder, nodeArguments });
    const limit = new Limit(signal, SPARE_SECONDS + 8 * (scale.warmSeconds + scale.seconds));
    try {
      const figures = workload.run({ kind, server, drivers, scale });
      figures.catch(() => {});
      return await Promise.race([figures, server.failed, limit.passed]);
    } finally {
      limit.clear();
      await drivers.stop();
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What ends a measurement that does not end by itself. */
class Limit {
  /** Rejects when the time is up or the signal was aborted. */
  readonly passed: Promise<never>;
  clear: () => void = () => {};

  constructor(signal: AbortSignal, seconds: number) {
    this.passed = new Promise((_, reject) => {
      const interrupted = () => reject(new Error(INTERRUPTED));
      const timer = setTimeout(() => reject(new Error(`no result in ${seconds} s`)), seconds * 1000);
      if (signal.aborted) interrupted();
      signal.addEventListener('abort', interrupted);
      this.clear = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', interrupted);
      };
    });
    this.passed.catch(() => {});
  }
}
