// Servers that run on Node: scripts of this folder, bundled beside the one that runs.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingPackages } from '../foreign.js';
import { launch } from './process.js';
import type { ServerKind, StartOptions } from './server.js';

const script = (name: string, ...values: string[]) => {
  const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return async ({ nodeArguments }: StartOptions) =>
    launch({
      command: process.execPath,
      arguments: [...nodeArguments, file, ...values],
      ready: /listening on (\d+)/,
    });
};

export const relay: ServerKind = {
  name: 'relay',
  about: 'bytes from publishers to all subscribers, in Node: the floor',
  wire: 'relay',
  client: 'relay',
  can: ['wildcards', 'rpc'],
  onNode: true,
  missing: () => undefined,
  start: script('relay-process'),
};

/** A broker of ours, from the folder that holds its built index.js. */
export function spoke(name: string, dist: string): ServerKind {
  return {
    name,
    about: 'the broker of this package, built, and JSON; --with adds others',
    wire: 'spoke',
    client: 'spoke',
    dist,
    can: ['wildcards', 'rpc', 'replay', 'subscriptions', 'globstars', 'commands', 'messages'],
    onNode: true,
    missing: () => (existsSync(join(dist, 'index.js')) ? undefined : `no ${join(dist, 'index.js')}: npm run build`),
    start: script('spoke-process', dist),
  };
}

/** The same broker; publishers and subscribers speak msgpack. */
export function spokeMsgpack(name: string, dist: string): ServerKind {
  return {
    ...spoke(name, dist),
    about: 'the same broker, and msgpack',
    wire: 'spoke-msgpack',
    codec: 'msgpack',
    can: ['wildcards', 'rpc', 'replay', 'subscriptions', 'globstars', 'messages'],
  };
}

export const aedes: ServerKind = {
  name: 'aedes',
  about: 'MQTT in Node, quality of service 0',
  wire: 'mqtt',
  client: 'mqtt',
  can: ['wildcards', 'rpc', 'replay', 'subscriptions', 'messages'],
  onNode: true,
  missing: () => missingPackages('aedes', 'mqtt'),
  start: script('aedes-process'),
};

export const socketIo: ServerKind = {
  name: 'socket.io',
  about: 'rooms over WebSocket',
  client: 'socket.io',
  can: ['wildcards', 'rpc', 'messages'],
  onNode: true,
  missing: () => missingPackages('socket.io', 'socket.io-client'),
  start: script('socket-io-process'),
};
