/**
 * Channels of remote calls (docs/protocol.md#remote-procedure-calls): `square/-rpc/<id>/<number>/call` and `.../result`.
 * No call has the channel of another, but they differ in their numbers only, and hardly anyone subscribes to a number. So
 * all of them go one way, and a router need not search it again for each call.
 */

import { tokens } from './channel.js';
import { intersects } from './pattern.js';

const L = 0x6c;
const T = 0x74;
const CALL = '/call';
const RESULT = '/result';
const MARK = '-rpc/';

/**
 * The channel of a call without its number, an empty token in its place: no canonical channel is like it, and to patterns
 * it is a token that none names. `undefined` for every other channel.
 */
export function withoutCallNumber(channel: string): string | undefined {
  const last = channel.charCodeAt(channel.length - 1);
  if (last !== L && last !== T) return undefined;
  const kind = last === L ? CALL : RESULT;
  if (!channel.endsWith(kind)) return undefined;
  const end = channel.length - kind.length;
  const start = channel.lastIndexOf('/', end - 1) + 1;
  if (!isNumber(channel, start, end)) return undefined;
  const id = channel.lastIndexOf('/', start - 2) + 1;
  const mark = id - MARK.length;
  if (mark < 0 || !channel.startsWith(MARK, mark) || (mark > 0 && channel[mark - 1] !== '/')) return undefined;
  return channel.slice(0, start) + kind;
}

/** Whether a pattern with wildcards may match some calls and not others that differ in their numbers only. */
export function namesCallNumbers(pattern: string): boolean {
  const parts = tokens(pattern);
  return parts.some((token, i) => {
    if (!isNumber(token, 0, token.length)) return false;
    const after = parts.slice(i + 1).join('/');
    if (!intersects(after, 'call') && !intersects(after, 'result')) return false;
    return intersects(parts.slice(0, i).join('/'), '**/-rpc/*');
  });
}

function isNumber(text: string, start: number, end: number): boolean {
  if (start >= end) return false;
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x30 || unit > 0x39) return false;
  }
  return true;
}
