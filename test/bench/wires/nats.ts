// The NATS client protocol: PUB in, MSG out.

import type { Wire } from './wire.js';
import { ascii } from './wire.js';

/** `a/b` is `a.b`; a `**` at the end is `>`. */
export function subjectOf(pattern: string): string {
  return pattern.replaceAll('/', '.').replace(/\*\*$/, '>');
}

export const natsWire: Wire = {
  greeting: () => ascii('CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"0","protocol":1}\r\n'),
  subscribe: (patterns) =>
    ascii(`${patterns.map((pattern, i) => `SUB ${subjectOf(pattern)} ${i + 1}\r\n`).join('')}PING\r\n`),
  subscribed: (received) => received.endsWith('PONG\r\n'),
  publish: (channel, body) => ascii(`PUB ${subjectOf(channel)} ${body.length}\r\n${body}\r\n`),
  delivery: (_pattern, channel, body) => ({
    bytes: `MSG ${subjectOf(channel)} 1 ${body.length}\r\n${body}\r\n`.length,
  }),
  // The server's own PING, two seconds after a connection was made.
  noise: 'PING\r\n'.length,
};
