// MQTT.js at quality of service 0, with JSON bodies. A call is a publication that names the topic of its answer.

import { foreign } from '../foreign.js';
import { topicFilterOf } from '../wires/mqtt.js';
import type { Connect } from './client.js';

interface Mqtt {
  publish(topic: string, message: string, options: { qos: 0; retain?: boolean }, done?: () => void): void;
  subscribeAsync(filter: string): Promise<unknown>;
  on(event: 'message', listener: (topic: string, payload: Buffer) => void): void;
  endAsync(force: boolean): Promise<void>;
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

export const connectMqtt: Connect = async ({ port }) => {
  const { connectAsync } = await foreign<{ connectAsync: (url: string, options: object) => Promise<Mqtt> }>('mqtt');
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });
  const waiting = new Map<number, (value: unknown) => void>();
  const replies = `reply/${process.pid}/${Math.random()}`;
  let calls = 0;
  let listening: Promise<unknown> | undefined;
  const subscribe = async (filter: string, handler: (body: unknown) => void) => {
    client.on('message', (_topic, payload) => handler(JSON.parse(payload.toString())));
    await client.subscribeAsync(filter);
  };
  const send = (topic: string, value: unknown, retain = false) =>
    new Promise<void>((resolve) => {
      client.publish(topic, JSON.stringify(value), { qos: 0, retain }, () => resolve());
    });
  const answered = (body: unknown) => {
    if (!isReply(body)) return;
    waiting.get(body.id)?.(body.result);
    waiting.delete(body.id);
  };
  return {
    subscribe: (pattern, handler) => subscribe(topicFilterOf(pattern), handler),
    publish: (channel, body) => send(channel, body),
    close: () => client.endAsync(true),
    provide: (name, procedure) =>
      subscribe(name, (body) => {
        if (!isCall(body)) return;
        const reply: Reply = { id: body.id, result: procedure(body.argument) };
        void send(body.reply, reply);
      }),
    call: async (name, argument) => {
      listening ??= subscribe(replies, answered);
      await listening;
      const call: Call = { id: ++calls, reply: replies, argument };
      void send(name, call);
      return new Promise((resolve) => waiting.set(call.id, resolve));
    },
    keep: (channel, body) => send(channel, body, true),
    // A subscription on the same connection is answered after all that was published before.
    flush: async () => {
      await client.subscribeAsync(replies);
    },
    replay: (prefix, handler) => subscribe(`${prefix}/#`, handler),
  };
};

function isCall(body: unknown): body is Call {
  return typeof body === 'object' && body !== null && 'id' in body && 'reply' in body;
}

function isReply(body: unknown): body is Reply {
  return typeof body === 'object' && body !== null && 'id' in body && 'result' in body;
}
