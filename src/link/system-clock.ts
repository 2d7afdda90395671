// The clock of programs. Tests pass a virtual one.

import type { Clock } from '../contracts/index.js';

// `setImmediate` runs right after the input of the current turn of Node's event loop, so everything that one poll
// brought in leaves in one write. A browser has no such thing; there a microtask gathers what one task published.
const defer: Clock['defer'] =
  typeof setImmediate === 'function'
    ? (callback) => void setImmediate(callback)
    : (callback) => queueMicrotask(callback);

// Milliseconds, 25 days. The host takes more for none at all: a call with a very long timeout would fail at once.
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Wall clock and timers of the host. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delay: number, callback: () => void) {
    let rest = delay;
    const elapsed = (): void => {
      rest -= LONGEST_TIMEOUT;
      if (rest > 0) timer = setTimeout(elapsed, Math.min(rest, LONGEST_TIMEOUT));
      else callback();
    };
    let timer = setTimeout(elapsed, Math.min(delay, LONGEST_TIMEOUT));
    return () => clearTimeout(timer);
  },
  defer,
});
