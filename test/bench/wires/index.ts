// Every wire by its name, so that a worker can be told which one to speak.

import { mqttWire } from './mqtt.js';
import { natsWire } from './nats.js';
import { redisWire } from './redis.js';
import { relayWire } from './relay.js';
import { spokeMsgpackWire } from './spoke-msgpack.js';
import { spokeWire } from './spoke.js';
import type { Wire } from './wire.js';

export type WireName = 'relay' | 'spoke' | 'spoke-msgpack' | 'nats' | 'redis' | 'mqtt';

export const WIRES: Readonly<Record<WireName, Wire>> = {
  relay: relayWire,
  spoke: spokeWire,
  'spoke-msgpack': spokeMsgpackWire,
  nats: natsWire,
  redis: redisWire,
  mqtt: mqttWire,
};
