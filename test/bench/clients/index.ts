// Every client by its name, so that a worker can be told which one to use.

import type { ClientName, Connect } from './client.js';
import { connectMqtt } from './mqtt.js';
import { connectNats } from './nats.js';
import { connectRedis } from './redis.js';
import { connectRelay } from './relay.js';
import { connectSocketIo } from './socket-io.js';
import { connectSpoke } from './spoke.js';

export const CLIENTS: Readonly<Record<ClientName, Connect>> = {
  relay: connectRelay,
  spoke: connectSpoke,
  nats: connectNats,
  redis: connectRedis,
  mqtt: connectMqtt,
  'socket.io': connectSocketIo,
};
