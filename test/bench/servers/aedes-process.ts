// Aedes, an MQTT broker for Node, with its defaults.

import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { foreign } from '../foreign.js';
import { ready, untilTold } from './until-told.js';

interface Aedes {
  readonly handle: (socket: Socket) => unknown;
  close(done: () => void): void;
}

const { Aedes } = await foreign<{ Aedes: { createBroker(): Promise<Aedes> } }>('aedes');
const broker = await Aedes.createBroker();
const server: Server = createServer({ noDelay: true }, broker.handle);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
ready(server.address());
await untilTold();
server.close();
broker.close(() => {});
