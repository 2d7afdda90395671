// The clock of programs. Tests pass a virtual one.

import type { Clock } from '../contracts/index.js';

// `setImmediate` runs right after the input of the current turn of Node's event loop; browsers have no such thing,
// and a message channel is the nearest to it that is not held back like a timer.
function makeDefer(): (callback: () => void) => void {
  if (typeof setImmediate === 'function') return (callback) => void setImmediate(callback);
  return (callback) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      callback();
    };
    port2.postMessage(0);
  };
}

const defer = makeDefer();

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
