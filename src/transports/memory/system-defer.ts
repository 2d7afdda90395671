// A new turn of the host's event loop, in Node, browsers and workers alike.

import type { Clock } from '../../contracts/index.js';

/**
 * `setImmediate` where there is one; else a message to ourselves, because browsers hold nested timers back for 4 ms;
 * else a timer. Callbacks run in the order given.
 */
export function systemDefer(): Clock['defer'] {
  if (typeof setImmediate === 'function') return (callback) => void setImmediate(callback);
  if (typeof MessageChannel !== 'function') return (callback) => void setTimeout(callback, 0);
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => waiting.shift()?.());
  port1.start();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(undefined);
  };
}
