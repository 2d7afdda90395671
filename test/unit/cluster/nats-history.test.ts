// History on a real nats-server: how it is configured, and what is refused. How it is read: test/compliance/backplanes and test/e2e.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Broker, Client } from 'spoke';
import type { NatsOptions } from 'spoke/nats';
import { NatsBackplane } from 'spoke/nats';

import { NatsServer } from '../../support/nats-server.js';

let server: NatsServer;
let ended: (() => Promise<void>)[];

beforeEach(async () => {
  server = await NatsServer.start();
  ended = [];
});

afterEach(async () => {
  for (const end of ended.reverse()) await end();
  await server.remove();
});

async function startBroker(history?: NatsOptions['history']): Promise<Broker> {
  const backplane = new NatsBackplane({ servers: server.url, ...(history !== undefined && { history }) });
  const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', backplane });
  ended.push(() => broker.close());
  return broker;
}

async function clientOf(broker: Broker): Promise<Client> {
  const client = await Client.connect({ url: broker.addresses[0] ?? '' });
  ended.push(() => client.close());
  return client;
}

async function read(client: Client, pattern: string): Promise<unknown[]> {
  const bodies: unknown[] = [];
  for await (const { body } of client.history(pattern)) bodies.push(body);
  return bodies;
}

/** Asks again and again until something is so. */
async function eventually(what: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 20_000;
  while (!(await what())) {
    if (Date.now() > until) throw new Error(`it did not come about: ${String(what)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('history on nats-server', () => {
  it('is recorded by brokers that were not told to keep it, those that were there before as well', async () => {
    const before = await clientOf(await startBroker());
    await expect(before.history('log/**').next()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const broker = await startBroker([{ pattern: 'log/**', maxMessages: 100 }]);
    const after = await clientOf(await startBroker());
    let recorded = 0;
    await eventually(async () => {
      await before.publish('log/x', 'before', { ack: true });
      recorded = (await read(after, 'log/**')).length;
      return recorded > 0;
    });
    await after.publish('log/x', 'after', { ack: true });
    const all = await read(await clientOf(broker), 'log/**');
    expect(all.slice(0, recorded).every((body) => body === 'before')).toBe(true);
    expect(all.at(-1)).toBe('after');
  });

  it('keeps as much as the last configuration says', async () => {
    const one = await clientOf(await startBroker([{ pattern: 'log/**', maxMessages: 100 }]));
    for (let n = 1; n <= 10; n++) await one.publish('log/x', n, { ack: true });
    const two = await clientOf(await startBroker([{ pattern: 'log/**', maxMessages: 3, maxAge: 60_000 }]));
    expect(await read(two, 'log/**')).toEqual([8, 9, 10]);
    await one.publish('log/x', 11, { ack: true });
    expect(await read(one, 'log/**')).toEqual([9, 10, 11]);
  });

  it('is refused at the start when it overlaps with what is kept, or cannot be kept', async () => {
    await startBroker([{ pattern: 'log/**', maxMessages: 100 }]);
    await expect(startBroker([{ pattern: '*/x', maxMessages: 100 }])).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('channels in common'),
    });
    await expect(startBroker([{ pattern: 'big', maxBytes: 1e15 }])).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('insufficient storage'),
    });
    expect(() => new NatsBackplane({ history: [{ pattern: 'log/**' }] })).toThrow(TypeError);
    expect(() => new NatsBackplane({ history: [{ pattern: 'log/**', maxAge: -1 }] })).toThrow(TypeError);
    const overlapping = ['a/**', '**/b'].map((pattern) => ({ pattern, maxAge: 1000 }));
    expect(() => new NatsBackplane({ history: overlapping })).toThrow(/channels in common/);
  });

  it('is made again when the server has lost its disk, and readers begin anew', async () => {
    const client = await clientOf(await startBroker([{ pattern: 'log/**', maxMessages: 100 }]));
    client.on('error', () => {});
    const heard: unknown[] = [];
    await client.subscribe('log/**', ({ body }) => heard.push(body), { from: 'start' });
    await client.publish('log/x', 1, { ack: true });
    await eventually(() => Promise.resolve(heard.length === 1));
    await server.kill();
    await server.wipe();
    await server.again();
    await client.publish('log/x', 2, { ack: true });
    expect(await read(client, 'log/**')).toEqual([2]);
    await eventually(() => Promise.resolve(heard.length === 2));
    expect(heard).toEqual([1, 2]);
  });
});
