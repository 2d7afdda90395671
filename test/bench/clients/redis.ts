// ioredis, with JSON bodies and its automatic pipelining. A call is a publication that names the channel of its answer.

import { foreign } from '../foreign.js';
import type { BenchClient, Connect } from './client.js';

interface Redis {
  publish(channel: string, message: string): Promise<number>;
  subscribe(channel: string): Promise<unknown>;
  psubscribe(pattern: string): Promise<unknown>;
  once(event: 'ready', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'message', listener: (channel: string, message: string) => void): void;
  on(event: 'pmessage', listener: (pattern: string, channel: string, message: string) => void): void;
  disconnect(): void;
}
interface Call {
  readonly id: number;
  readonly reply: string;
  readonly argument: unknown;
}
interface Reply {
  readonly id: number;
  readonly result: unknown;
}

export const connectRedis: Connect = async ({ port }) => {
  const { Redis } = await foreign<{ Redis: new (options: object) => Redis }>('ioredis');
  const options = { host: '127.0.0.1', port, enableAutoPipelining: true };
  // A connection that subscribes may not publish.
  const outgoing = await ready(new Redis(options));
  const incoming = await ready(new Redis(options));
  const waiting = new Map<number, (value: unknown) => void>();
  const replies = `reply/${process.pid}/${Math.random()}`;
  let calls = 0;
  let listening: Promise<unknown> | undefined;
  const client: BenchClient = {
    subscribe: async (pattern, handler) => {
      if (pattern.includes('*')) {
        incoming.on('pmessage', (_pattern, _channel, message) => handler(JSON.parse(message)));
        await incoming.psubscribe(pattern);
      } else {
        incoming.on('message', (_channel, message) => handler(JSON.parse(message)));
        await incoming.subscribe(pattern);
      }
    },
    publish: (channel, body) => outgoing.publish(channel, JSON.stringify(body)),
    close: async () => {
      outgoing.disconnect();
      incoming.disconnect();
    },
    provide: async (name, procedure) => {
      incoming.on('message', (_channel, message) => {
        const { id, reply, argument }: Call = JSON.parse(message);
        const result: Reply = { id, result: procedure(argument) };
        void outgoing.publish(reply, JSON.stringify(result));
      });
      await incoming.subscribe(name);
    },
    call: async (name, argument) => {
      if (listening === undefined) {
        incoming.on('message', (_channel, message) => {
          const { id, result }: Reply = JSON.parse(message);
          waiting.get(id)?.(result);
          waiting.delete(id);
        });
        listening = incoming.subscribe(replies);
      }
      await listening;
      const id = ++calls;
      const call: Call = { id, reply: replies, argument };
      void outgoing.publish(name, JSON.stringify(call));
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
  return client;
};

/** A subscription before that would get in the way of its own first question to the server. */
async function ready(redis: Redis): Promise<Redis> {
  return new Promise((resolve, reject) => {
    redis.on('error', reject);
    redis.once('ready', () => resolve(redis));
  });
}
