// The client of the NATS project, with JSON bodies. Kept messages are a key-value bucket in memory.

import { foreign } from '../foreign.js';
import { subjectOf } from '../wires/nats.js';
import type { Connect } from './client.js';

interface Received {
  json(): unknown;
  respond(data: string): void;
}
interface Connection {
  publish(subject: string, data: string): void;
  subscribe(subject: string, options: { callback(error: Error | null, message: Received): void }): void;
  request(subject: string, data: string, options: { timeout: number }): Promise<Received>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
interface Bucket {
  put(key: string, data: string): Promise<number>;
  watch(options: { key: string }): Promise<AsyncIterable<Received>>;
}
interface Kvm {
  create(name: string, options: { storage: string }): Promise<Bucket>;
  open(name: string): Promise<Bucket>;
}

const BUCKET = 'bench';
const TIMEOUT = 20_000;

export const connectNats: Connect = async ({ port }) => {
  const { connect } = await foreign<{ connect: (options: object) => Promise<Connection> }>('@nats-io/transport-node');
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false });
  let bucket: Promise<Bucket> | undefined;
  const kvm = async () => {
    const { Kvm } = await foreign<{ Kvm: new (connection: Connection) => Kvm }>('@nats-io/kv');
    return new Kvm(connection);
  };
  const puts = new Set<Promise<number>>();
  return {
    subscribe: async (pattern, handler) => {
      connection.subscribe(subjectOf(pattern), {
        callback: (error, message) => {
          if (error !== null) throw error;
          handler(message.json());
        },
      });
      await connection.flush();
    },
    publish: (channel, body) => connection.publish(subjectOf(channel), JSON.stringify(body)),
    close: () => connection.close(),
    provide: async (name, procedure) => {
      connection.subscribe(name, {
        callback: (error, message) => {
          if (error !== null) throw error;
          message.respond(JSON.stringify(procedure(message.json())));
        },
      });
      await connection.flush();
    },
    call: async (name, argument) =>
      (await connection.request(name, JSON.stringify(argument), { timeout: TIMEOUT })).json(),
    keep: async (channel, body) => {
      bucket ??= kvm().then((all) => all.create(BUCKET, { storage: 'memory' }));
      const put = (await bucket).put(subjectOf(channel), JSON.stringify(body));
      puts.add(put);
      await put;
      puts.delete(put);
    },
    flush: async () => {
      await Promise.all(puts);
    },
    replay: async (prefix, handler) => {
      const kept = await (await kvm()).open(BUCKET);
      const entries = await kept.watch({ key: `${subjectOf(prefix)}.>` });
      void (async () => {
        for await (const entry of entries) handler(entry.json());
      })();
    },
  };
};
