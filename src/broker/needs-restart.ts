// What of other limits cannot hold while a broker runs (docs/limits.md#changing-them).

import type { Limits } from '../contracts/index.js';

/** @returns a line for each limit that has changed and is not obeyed before something is opened anew. */
export function needsRestart(before: Limits, after: Limits, withBackplane: boolean): string[] {
  const lines: string[] = [];
  const changed = (name: keyof Limits): boolean => before[name] !== after[name];
  if (changed('messageBytes')) lines.push('limits.messageBytes: connections that are open keep what they came with');
  if (changed('connectTimeout'))
    lines.push(
      'limits.connectTimeout needs a restart where TLS and WebSocket connections are accepted; logins obey it',
    );
  if (withBackplane && changed('outboundBytes'))
    lines.push('limits.outboundBytes needs a restart for what waits for the backplane; connections obey it');
  return lines;
}
