// Where broker and client of a Node program meet when they are told little or nothing.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Broker } from '../../../src/broker/index.js';
import { call, Client, publish } from '../../../src/node/index.js';
import { within } from '../../support/within.js';

let ends: (() => Promise<unknown>)[];
let saved: NodeJS.ProcessEnv;
beforeEach(() => {
  ends = [];
  saved = { ...process.env };
  delete process.env['SPOKEHOST'];
  delete process.env['SPOKEPORT'];
});
afterEach(async () => {
  for (const end of ends.reverse()) await within(end(), 'an end');
  for (const name of ['SPOKEHOST', 'SPOKEPORT']) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port }: AddressInfo = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function broker(options: ConstructorParameters<typeof Broker>[0] = {}): Promise<Broker> {
  const started = await Broker.start(options);
  ends.push(async () => started.close());
  return started;
}

async function connected(options?: Parameters<typeof Client.connect>[0]): Promise<Client> {
  const client = await within(Client.connect(options), 'the connection');
  ends.push(async () => client.close());
  return client;
}

describe('a broker and a client', () => {
  it('meet at host and port', async () => {
    const port = await freePort();
    const { addresses } = await broker({ listen: { host: '127.0.0.1', port } });
    expect(addresses).toEqual([`tcp://127.0.0.1:${port}`]);
    const client = await connected({ host: '127.0.0.1', port });
    expect(client.url).toBe(`tcp://127.0.0.1:${port}`);
    await client.flush();
  });

  it('meet at the port of the environment, the broker on all addresses', async () => {
    const port = await freePort();
    process.env['SPOKEPORT'] = String(port);
    const { addresses } = await broker();
    expect(addresses).toEqual([`tcp://0.0.0.0:${port}`]);
    expect((await connected()).url).toBe(`tcp://localhost:${port}`);
    process.env['SPOKEHOST'] = '127.0.0.1';
    expect((await connected()).url).toBe(`tcp://127.0.0.1:${port}`);
  });

  it('take what is given before what the environment says', async () => {
    const port = await freePort();
    process.env['SPOKEPORT'] = '1';
    process.env['SPOKEHOST'] = 'nowhere.invalid';
    await broker({ listen: { host: '127.0.0.1', port } });
    expect((await connected({ host: '127.0.0.1', port })).url).toBe(`tcp://127.0.0.1:${port}`);
    expect((await connected(`tcp://127.0.0.1:${port}`)).url).toBe(`tcp://127.0.0.1:${port}`);
    expect((await connected({ url: `tcp://127.0.0.1:${port}` })).url).toBe(`tcp://127.0.0.1:${port}`);
  });

  it('are told when the environment makes no sense', async () => {
    process.env['SPOKEPORT'] = 'seven';
    await expect(Broker.start()).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
    await expect(Client.connect()).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
  });

  it('listen and connect at port 7181 otherwise', () => {
    expect(new Client().url).toBe('tcp://localhost:7181');
    expect(new Client({ host: 'robot' }).url).toBe('tcp://robot:7181');
  });

  it('find each other by several endpoints of one broker', async () => {
    const one = await broker({ listen: [{ host: '127.0.0.1', port: 0 }, 'tcp://127.0.0.1:0'] });
    const [a, b] = await Promise.all(one.addresses.map(async (url) => connected(url)));
    const seen: unknown[] = [];
    await a?.subscribe('x', (message) => seen.push(message.body));
    await b?.publish('x', 1);
    await b?.flush();
    await a?.flush();
    expect(seen).toEqual([1]);
  });

  it('are told of a codec that does not exist', () => {
    expect(() => new Client({ codec: 'morse' })).toThrow(expect.objectContaining({ code: 'UNKNOWN_CODEC' }));
  });
});

describe('a client', () => {
  it('of a host that nobody answers for tries again, and finds the broker when it comes', async () => {
    const port = await freePort();
    const client = new Client({ host: '127.0.0.1', port, reconnect: { minDelay: 10, maxDelay: 20 } });
    ends.push(async () => client.close());
    const failed = new Promise((resolve) => client.on('retry', resolve));
    const connecting = client.connect();
    expect(await within(failed, 'the first failure')).toMatchObject({ code: 'CONNECT_FAILED', retryable: true });
    await broker({ listen: { host: '127.0.0.1', port } });
    await within(connecting, 'the connection');
    expect(client.state).toBe('connected');
  });

  it('of a host whose name is unknown tries again as well', async () => {
    const client = new Client({ url: 'tcp://nowhere.invalid:7181', reconnect: { minDelay: 10, maxDelay: 20 } });
    ends.push(async () => client.close());
    const failures: unknown[] = [];
    const twice = new Promise<void>((resolve) => {
      client.on('retry', (error) => {
        if (failures.push(error) === 2) resolve();
      });
    });
    client.connect().catch(() => undefined);
    await within(twice, 'two failures', 9000);
    expect(failures[0]).toMatchObject({ code: 'CONNECT_FAILED', message: expect.stringContaining('nowhere.invalid') });
    expect(client.state).toBe('connecting');
  });
});

describe('publish and call, one message each', () => {
  it('do it and close', async () => {
    const { addresses } = await broker({ listen: { host: '127.0.0.1', port: 0 } });
    const [url = ''] = addresses;
    const client = await connected(url);
    const seen: unknown[] = [];
    await client.subscribe('x', (message) =>
      seen.push([message.body, message.persist, message.time, message.head['k']]),
    );
    await client.provide('square', (n: number) => n * n);
    await publish('x', 1, { url, persist: true, time: 5, head: { k: 'v' } });
    await client.flush();
    expect(seen).toEqual([[1, true, 5, 'v']]);
    expect(await call<number>('square', 7, { url })).toBe(49);
  });

  it('leave no connection behind, whether they work or fail', async () => {
    const one = await broker({ listen: { host: '127.0.0.1', port: 0 } });
    const [url = ''] = one.addresses;
    const watcher = await connected(url);
    await publish('x', 1, { url });
    await expect(publish('x', () => {}, { url })).rejects.toMatchObject({ code: 'NOT_ENCODABLE' });
    await expect(call('nobody', 1, { url, timeout: 5000 })).rejects.toMatchObject({ code: 'NO_PROVIDER' });
    // Their ends have arrived when a message that was sent later has.
    await watcher.flush();
    expect(one.stats.connections).toBe(1);
  });

  it('stop at their timeout and at their signal when nobody answers', async () => {
    const port = await freePort();
    const options = { host: '127.0.0.1', port, timeout: 100 };
    await expect(publish('x', 1, options)).rejects.toMatchObject({
      code: 'TIMEOUT',
      cause: { code: 'CONNECT_FAILED' },
    });
    await expect(call('x', 1, options)).rejects.toMatchObject({ code: 'TIMEOUT' });
    const signal = AbortSignal.timeout(50);
    await expect(publish('x', 1, { host: '127.0.0.1', port, signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('reject with what the broker has against the message', async () => {
    const { addresses } = await broker({
      listen: { host: '127.0.0.1', port: 0 },
      authorizer: { allows: (_, action, target) => action === 'subscribe' || target !== 'secret' },
    });
    const [url = ''] = addresses;
    await expect(publish('secret', 1, { url })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(publish('x', 1, { url, time: Date.now() / 1000 + 3600 })).rejects.toMatchObject({
      code: 'TIME_INVALID',
    });
    await publish('x', 1, { url });
  });
});
