// Servers that Debian packages. Never installed from here.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, freePort, launch } from './process.js';
import type { ServerKind } from './server.js';

const missingProgram = (name: string) => () =>
  findProgram(name) === undefined ? `no program ${name}: apt-get install ${name}` : undefined;

export const nats: ServerKind = {
  name: 'nats',
  about: 'nats-server; kept messages are a JetStream key-value bucket in memory',
  wire: 'nats',
  client: 'nats',
  can: ['wildcards', 'rpc', 'replay', 'subscriptions', 'messages'],
  missing: missingProgram('nats-server'),
  start: async ({ folder }) =>
    launch({
      command: findProgram('nats-server') ?? 'nats-server',
      arguments: ['-a', '127.0.0.1', '-p', '-1', '-js', '-sd', folder],
      ready: /client connections on 127\.0\.0\.1:(\d+)[^]*Server is ready/,
    }),
};

export const redis: ServerKind = {
  name: 'redis',
  about: 'redis-server: publish and subscribe, nothing saved',
  wire: 'redis',
  client: 'redis',
  can: ['wildcards', 'rpc', 'subscriptions', 'messages'],
  missing: missingProgram('redis-server'),
  start: async ({ folder }) => {
    const port = await freePort();
    const where = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
    return launch({
      command: findProgram('redis-server') ?? 'redis-server',
      arguments: [...where, '--save', '', '--appendonly', 'no'],
      ready: /Ready to accept connections/,
      port,
    });
  },
};

export const mosquitto: ServerKind = {
  name: 'mosquitto',
  about: 'MQTT, quality of service 0',
  wire: 'mqtt',
  client: 'mqtt',
  can: ['wildcards', 'rpc', 'replay', 'subscriptions', 'messages'],
  missing: missingProgram('mosquitto'),
  start: async ({ folder }) => {
    const port = await freePort();
    const file = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      // By default it drops messages past 1,000 in a queue, and leaves Nagle's algorithm on.
      'max_queued_messages 0',
      'set_tcp_nodelay true',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return launch({
      command: findProgram('mosquitto') ?? 'mosquitto',
      arguments: ['-c', file],
      ready: /mosquitto version \S+ running/,
      port,
    });
  },
};
