// A promise with an end: a timeout, an abort signal, or both.

import type { Clock } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { WaitOptions } from './options.js';

/** @throws {TypeError} when it is no number of milliseconds; `Infinity` is one. */
export function requireTimeout(timeout: number): void {
  if (!(timeout >= 0)) throw new TypeError(`timeout must be a number of milliseconds, not ${String(timeout)}`);
}

/**
 * Waits for `promise`, but not longer than `options` allow. The promise itself goes on, and its failure is taken care of.
 * @param what - says what was waited for, in the error.
 * @param cause - what stood in the way, if known.
 * @throws {SpokeError} `TIMEOUT`, `ABORTED`; what the promise rejects with.
 */
export async function waitFor<T>(
  promise: Promise<T>,
  options: WaitOptions,
  clock: Clock,
  what: () => string,
  cause: () => unknown = () => undefined,
): Promise<T> {
  const { signal, timeout } = options;
  if (signal === undefined && timeout === undefined) return promise;
  if (timeout !== undefined) requireTimeout(timeout);
  const stops: (() => void)[] = [];
  try {
    return await new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject);
      if (timeout !== undefined && timeout !== Infinity) {
        const late = () => {
          const last = cause();
          const why = last instanceof Error ? `: ${last.message}` : '';
          reject(new SpokeError('TIMEOUT', `${what()} within ${timeout} ms${why}`, { cause: last, retryable: true }));
        };
        stops.push(clock.setTimer(timeout, late));
      }
      if (signal === undefined) return;
      const aborted = () => reject(new SpokeError('ABORTED', `${what()}: aborted`, { cause: signal.reason }));
      if (signal.aborted) aborted();
      signal.addEventListener('abort', aborted, { once: true });
      stops.push(() => signal.removeEventListener('abort', aborted));
    });
  } finally {
    for (const stop of stops) stop();
  }
}
