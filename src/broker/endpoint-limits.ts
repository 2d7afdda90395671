// Limits that an endpoint may have of its own: those of single connections, and of how many there are.

import type { Limits } from '../contracts/index.js';
import { withDefaults } from '../contracts/index.js';

/** The names of them. */
export const ENDPOINT_LIMITS = [
  'messageBytes',
  'headBytes',
  'bodyDepth',
  'channelLength',
  'channelDepth',
  'globstars',
  'subscriptions',
  'connections',
  'connectionsPerAddress',
  'handshakeTime',
  'messagesPerSecond',
  'outboundBytes',
  'connectTimeout',
] as const satisfies readonly (keyof Limits)[];

/**
 * What holds for the connections of an endpoint.
 * @param broker - where the endpoint says nothing.
 * @throws {TypeError} for a limit that holds for a whole broker, or is none.
 */
export function endpointLimits(broker: Limits, own: Partial<Limits> = {}): Limits {
  const names: readonly string[] = ENDPOINT_LIMITS;
  for (const name of Object.keys(own)) {
    if (name in broker && !names.includes(name)) {
      throw new TypeError(`limits.${name} holds for a whole broker, not for an endpoint`);
    }
  }
  return withDefaults({ ...broker, ...own });
}
