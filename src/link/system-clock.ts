// The clock of programs. Tests pass a virtual one.

import type { Clock } from '../contracts/index.js';

// `setImmediate` runs right after the input of the current turn of Node's event loop, so everything that one poll
// brought in leaves in one write. A browser has no such thing; there a microtask gathers what one task published.
const defer: Clock['defer'] =
  typeof setImmediate === 'function'
    ? (callback) => void setImmediate(callback)
    : (callback) => queueMicrotask(callback);

/** Wall clock and timers of the host. */
export const systemClock: Clock = Object.freeze({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delay: number, callback: () => void) {
    const timer = setTimeout(callback, delay);
    return () => clearTimeout(timer);
  },
  defer,
});
