// What a broker that knows nothing of us may be sent: the protocol page, and unknown things under -control/ alone.

import { textOf } from './frames.js';
import { matches } from './patterns.js';
import type { IndependentServer, Received } from './server.js';

/**
 * What is wrong with everything the server was sent, in words; empty when nothing is.
 * @param expected - patterns of the channels on which the test's programs publish.
 */
export function unacceptable(server: IndependentServer, expected: readonly string[]): string[] {
  return [
    ...server.complaints,
    ...server.received.flatMap((message) =>
      faults(message, expected).map((fault) => `${fault}: ${message.bytes.toString('latin1')}`),
    ),
  ];
}

function faults({ bytes, channel, head, body }: Received, expected: readonly string[]): string[] {
  const found: string[] = [];
  const check = (holds: boolean, fault: string) => {
    if (!holds) found.push(fault);
  };
  const message = strictly(bytes);
  check(message !== undefined, 'not strict JSON');
  check(
    Object.keys(message ?? {}).every((key) => key === 'head' || key === 'body'),
    'a member beside head and body',
  );
  check(!('self' in head) && !('body' in head), 'a head key that peers break on');
  check(['undefined', 'boolean'].includes(typeof head['bounce']), 'bounce is no boolean');
  check(['undefined', 'boolean'].includes(typeof head['persist']), 'persist is no boolean');
  check(head['time'] === undefined || Number.isFinite(head['time']), 'time is no finite number');
  if (channel === '-control/subscribe' || channel === '-control/unsubscribe') {
    check(typeof body === 'string', 'the pattern is no string');
    check(head['persist'] !== true, 'a kept control message');
    return found;
  }
  const known = channel.startsWith('-control/') || expected.some((pattern) => matches(pattern, channel));
  check(known, 'a channel that no program of the test uses');
  check(!['-control/welcome', '-control/error'].includes(channel), 'what only a broker says');
  return found;
}

// With the platform's own reader, which knows no NaN.
function strictly(bytes: Uint8Array): object | undefined {
  try {
    const message: unknown = JSON.parse(textOf(bytes));
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}
