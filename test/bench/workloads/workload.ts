// What is measured. A new workload is an object in one of the files of this folder, and a driver when it needs one.

import type { Drivers } from '../drivers/start.js';
import type { Duration } from '../drivers/task.js';
import type { RunningServer, ServerKind } from '../servers/index.js';

/** How big everything is: full size, or tiny for a check that it works. */
export interface Scale {
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Ends each of the two before its time. */
  readonly mostMessages: number;
  /** Messages kept for a replay, idle connections, subscriptions of others. */
  readonly kept: number;
  readonly idle: number;
  readonly crowd: number;
  /** How often a command is started. */
  readonly starts: number;
  /** Milliseconds between two looks at the memory of a server. */
  readonly settle: number;
}

/**
 * @param warmUp - messages that a warm-up takes at least.
 * @param times - how much longer than usual to measure.
 */
export function durationOf({ warmSeconds, seconds, mostMessages }: Scale, warmUp: number, times = 1): Duration {
  return {
    warmUp: { seconds: warmSeconds, least: warmUp, most: mostMessages },
    measured: { seconds: seconds * times, least: 0, most: mostMessages },
  };
}

export interface Run {
  readonly kind: ServerKind;
  readonly server: RunningServer;
  readonly drivers: Drivers;
  readonly scale: Scale;
}

export interface FigureSpec {
  readonly key: string;
  /** Heading of its column, with the unit. */
  readonly title: string;
}

export type Figures = Readonly<Record<string, number>>;

export interface Workload {
  readonly name: string;
  readonly about: string;
  readonly figures: readonly FigureSpec[];
  /** Why a server cannot do this; `undefined` when it can. */
  unfit(kind: ServerKind): string | undefined;
  run(run: Run): Promise<Figures>;
}
