// What a pattern may be (docs/limits.md).

import { tokens } from '../../channels/index.js';
import type { Limits } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

/**
 * Why a connection that has so many patterns already may not have one more; `undefined`: it may.
 * @param pattern - canonical.
 */
export function overLimit(limits: Limits, pattern: string, patterns: number): SpokeError | undefined {
  const parts = tokens(pattern);
  const over = (what: string, limit: number, name: string) =>
    new SpokeError('LIMIT_EXCEEDED', `subscription refused: ${what} past ${limit} (limits.${name})`, {
      details: { limit },
    });
  if (pattern.length > limits.channelLength) return over('its length is', limits.channelLength, 'channelLength');
  if (parts.length > limits.channelDepth) return over('its tokens are', limits.channelDepth, 'channelDepth');
  if (parts.filter((token) => token === '**').length > limits.globstars) {
    return over('its ** are', limits.globstars, 'globstars');
  }
  if (patterns >= limits.subscriptions) {
    return over('subscriptions of this connection are', limits.subscriptions, 'subscriptions');
  }
  return undefined;
}

/** Why nobody may subscribe to anything more; `undefined`: there is room. @param total - subscriptions of all connections. */
export function overTotal({ totalSubscriptions: limit }: Limits, total: number): SpokeError | undefined {
  if (total < limit) return undefined;
  const text = `subscription refused: subscriptions of all connections are past ${limit} (limits.totalSubscriptions)`;
  return new SpokeError('LIMIT_EXCEEDED', text, { details: { limit } });
}
