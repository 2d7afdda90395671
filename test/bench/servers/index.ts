// Every server that can be compared.

import { mosquitto, nats, redis } from './installed.js';
import { aedes, relay, socketIo, spoke, spokeMsgpack } from './on-node.js';
import type { ServerKind } from './server.js';

export { spoke } from './on-node.js';
export type { Ability, RunningServer, ServerKind } from './server.js';

/** @param dist - the folder of the built package. */
export function allServers(dist: string): ServerKind[] {
  return [relay, spoke('spoke', dist), spokeMsgpack('spoke-msgpack', dist), nats, redis, mosquitto, aedes, socketIo];
}
