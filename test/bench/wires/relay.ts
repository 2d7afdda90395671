// The relay has no protocol: two letters say which group a connection reads from and which one it writes to.

import { spokeWire } from './spoke.js';
import type { Wire } from './wire.js';
import { ascii } from './wire.js';

export const relayWire: Wire = {
  greeting: (role) => ascii(role === 'publisher' ? '-a' : 'a-'),
  welcome: 1,
  subscribe: () => new Uint8Array(0),
  subscribed: (received) => received === '!',
  // The frames of spoke, so that the floor is the same number of bytes.
  publish: (channel, body) => spokeWire.publish(channel, body),
  delivery: (_pattern, channel, body) => ({ bytes: spokeWire.publish(channel, body).length }),
};
