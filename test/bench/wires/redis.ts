// RESP: PUBLISH in, a message push out. The publisher gets a number for each message, which nobody reads here.

import type { Wire } from './wire.js';
import { ascii } from './wire.js';

const command = (...parts: string[]) =>
  `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
const isPattern = (pattern: string) => pattern.includes('*');

export const redisWire: Wire = {
  greeting: () => new Uint8Array(0),
  subscribe: (patterns) =>
    ascii(patterns.map((pattern) => command(isPattern(pattern) ? 'PSUBSCRIBE' : 'SUBSCRIBE', pattern)).join('')),
  subscribed: (received, count) => received.endsWith(`:${count}\r\n`),
  publish: (channel, body) => ascii(command('PUBLISH', channel, body)),
  delivery: (pattern, channel, body) => ({
    bytes: isPattern(pattern)
      ? command('pmessage', pattern, channel, body).length
      : command('message', channel, body).length,
  }),
};
