// What is measured. A new workload is an object in one of the files of this folder, and a driver when it needs one.

import type { Drivers } from '../drivers/start.js';
import type { Duration } from '../drivers/task.js';
import type { RunningServer, ServerKind } from '../servers/index.js';

/** How big everything is: full size, or tiny for a check that it works. */
export interface Scale {
  readonly duration: Duration;
  /** Messages kept for a replay, idle connections, subscriptions of others. */
  readonly kept: number;
  readonly idle: number;
  readonly crowd: number;
  /** How often a command is started. */
  readonly starts: number;
  /** Milliseconds between two looks at the memory of a server. */
  readonly settle: number;
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
