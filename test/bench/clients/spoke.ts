// Our own client, from the built package.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Spoke from '../../../src/index.js';
import type { Connect } from './client.js';

export const connectSpoke: Connect = async ({ port, dist = 'dist', codec = 'json' }) => {
  const { Client }: typeof Spoke = await import(pathToFileURL(join(dist, 'index.js')).href);
  const client = await Client.connect({ url: `tcp://127.0.0.1:${port}`, codec });
  return {
    subscribe: async (pattern, handler) => {
      await client.subscribe(pattern, ({ body }) => handler(body));
    },
    publish: (channel, body) => client.publish(channel, body),
    close: () => client.close(),
    provide: async (name, procedure) => {
      await client.provide(name, procedure);
    },
    call: (name, argument) => client.call(name, argument),
    keep: (channel, body) => client.publish(channel, body, { persist: true, ack: false }),
    flush: () => client.flush(),
    replay: async (prefix, handler) => {
      await client.subscribe(`${prefix}/**`, ({ body }) => handler(body));
    },
  };
};
