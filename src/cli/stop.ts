// The three ways in which the outside ends a command: SIGINT, SIGTERM, and an output that takes no more.

import { Stopped } from './failure.js';

export interface StopOptions {
  /** Whether the command is of no use when nobody reads its output. Default `true`. */
  readonly withOutput?: boolean;
}

/** Aborts with `Stopped`. Called once by each command. A second signal ends the process at once. */
export function listenForStop({ withOutput = true }: StopOptions = {}): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Stopped(name)));
  }
  if (withOutput) process.stdout.once('error', () => controller.abort(new Stopped('OUTPUT')));
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
