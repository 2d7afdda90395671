// JSON and NUL, laid out as all clients of the network write it, without a time: the broker adds that.

import type { Wire } from './wire.js';
import { ascii } from './wire.js';

const message = (channel: string, body: string) => `{"head": {"channel": "${channel}"}, "body": ${body}}\0`;
let pings = 0;

/** Any broker sends a ping to whoever subscribed to it, so it tells that what was sent before has taken effect. */
function withPing(patterns: readonly string[]): string {
  const ping = `-control/ping/bench-${process.pid}/${++pings}`;
  const subscribe = (pattern: string) => message('-control/subscribe', JSON.stringify(pattern));
  const unsubscribe = message('-control/unsubscribe', JSON.stringify(ping));
  return [...patterns, ping].map(subscribe).join('') + message(ping, 'null') + unsubscribe;
}

export const spokeWire: Wire = {
  greeting: () => new Uint8Array(0),
  subscribe: (patterns) => ascii(withPing(patterns)),
  subscribed: (received) => received.includes('-control/ping/') && received.endsWith('\0'),
  publish: (channel, body) => ascii(message(channel, body)),
  delivery: () => ({ delimiter: 0 }),
};
