// The three ways in which the outside ends a command: SIGINT, SIGTERM, and an output that is closed.

import { OutputError, Stopped } from './failure.js';

export interface StopOptions {
  /** Whether the command is of no use when nobody reads its output. Default `true`. */
  readonly withOutput?: boolean;
}

/**
 * Aborts with `Stopped` or, when the standard output fails otherwise, `OutputError`. Called once by each command. A second
 * signal ends the process at once.
 */
export function listenForStop({ withOutput = true }: StopOptions = {}): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Stopped(name)));
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!withOutput) return;
    controller.abort(error.code === 'EPIPE' ? new Stopped('EPIPE') : new OutputError('standard output', error));
  });
  // Without standard error there is nowhere to say so.
  process.stderr.on('error', () => {});
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
