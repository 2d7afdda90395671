// Every wire by its name, so that a worker can be told which one to speak.

import { mqttWire } from './mqtt.js';
import { natsWire } from './nats.js';
import { redisWire } from './redis.js';
import { relayWire } from './relay.js';
import { spokeWire } from './spoke.js';
import type { Wire } from './wire.js';

export type WireName = 'relay' | 'spoke' | 'nats' | 'redis' | 'mqtt';

export const WIRES: Readonly<Record<WireName, Wire>> = {
  relay: relayWire,
  spoke: spokeWire,
  nats: natsWire,
  redis: redisWire,
  mqtt: mqttWire,
};
