// Persistent messages as state, for a program: told from live ones, complete, listed, read, set, cleared.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Message } from '../../../src/client/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/network/index.js';
import { memoryNetwork } from '../../../src/testing/network/index.js';
import { SlowStore } from '../../support/slow-store.js';

let net: MemoryNetwork;
beforeEach(() => {
  net = memoryNetwork({ seed: 3 });
});
afterEach(async () => net.close());

async function keeper(...channels: readonly string[]): Promise<Client> {
  const client = await net.client();
  for (const channel of channels) await net.until(client.kept.set(channel, channel));
  return client;
}

/** What a subscription was told, in words and in order. */
async function listener(client: Client, pattern: string) {
  const told: string[] = [];
  const subscription = await net.until(
    client.subscribe(
      pattern,
      ({ channel, kept }: Message) => told.push(`${kept === true ? 'kept' : 'live'} ${channel}`),
      {
        complete: () => told.push('complete'),
        cleared: (channel) => told.push(`cleared ${channel}`),
      },
    ),
  );
  return { told, subscription };
}

async function channels(client: Client, pattern?: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { channel } of client.kept.list(pattern)) all.push(channel);
  return all;
}

describe('a subscription', () => {
  it('can tell kept messages from live ones, and when it has had them all', async () => {
    await net.broker();
    const publisher = await keeper('a/1', 'a/2', 'b');
    const { told } = await listener(await net.client(), 'a/*');
    expect(told).toEqual(['kept a/1', 'kept a/2', 'complete']);
    await net.until(publisher.publish('a/2', 1, { persist: true }));
    await net.until(publisher.publish('a/3', 1));
    await net.idle();
    expect(told.slice(3)).toEqual(['live a/2', 'live a/3']);
  });

  it('knows as well that nothing is kept', async () => {
    await net.broker();
    const { told } = await listener(await net.client(), 'a/*');
    expect(told).toEqual(['complete']);
  });

  it('gets what is kept for itself alone: others that match have had it', async () => {
    await net.broker();
    await keeper('a/1', 'a/2');
    const client = await net.client();
    const first = await listener(client, 'a/*');
    const all = await listener(client, 'a/**');
    const second = await listener(client, 'a/*');
    for (const { told } of [first, all, second]) expect(told).toEqual(['kept a/1', 'kept a/2', 'complete']);
  });

  it('gets it again after a reconnect; what is missing then is kept no more', async () => {
    const broker = await net.broker();
    const publisher = await keeper('a/1', 'a/2');
    const client = await net.client();
    const { told } = await listener(client, 'a/*');
    told.length = 0;
    net.partition([client], [broker]);
    await net.until(publisher.kept.clear('a/1'));
    net.cut(client, broker);
    net.heal();
    await net.advance('10 s');
    expect(told).toEqual(['kept a/2', 'complete']);
  });

  it('is told what was cleared, and what has expired', async () => {
    await net.broker();
    const publisher = await keeper('a/1', 'a/2');
    const { told } = await listener(await net.client(), 'a/*');
    await net.until(publisher.kept.set('a/3', 1, { ttl: 5000 }));
    await net.until(publisher.kept.clear('a/1'));
    await net.advance('6 s');
    expect(told).toEqual(['kept a/1', 'kept a/2', 'complete', 'live a/3', 'cleared a/1', 'cleared a/3']);
  });

  it('as an iterator can be told too', async () => {
    await net.broker();
    await keeper('a');
    const client = await net.client();
    let complete = 0;
    for await (const message of client.messages('a', { complete: () => complete++ })) {
      expect(message.kept).toBe(true);
      break;
    }
    await net.idle();
    expect(complete).toBe(1);
  });

  it('of very much is complete after the last of it', async () => {
    await net.broker({ limits: { outboundBytes: 1_000_000 } });
    const publisher = await net.client();
    const count = 3000;
    await net.until(
      Promise.all(Array.from({ length: count }, (_, n) => publisher.kept.set(`a/${n}`, 'x'.repeat(100)))),
    );
    const { told } = await listener(await net.client(), 'a/*');
    expect(told.length).toBe(count + 1);
    expect(told.at(-1)).toBe('complete');
  });

  it('whose callbacks throw goes on all the same', async () => {
    await net.broker();
    await keeper('a');
    const client = await net.client();
    const bad = () => {
      throw new Error('a defect of the program');
    };
    const errors: string[] = [];
    client.on('error', ({ code, message }) => errors.push(`${code} ${message}`));
    const bodies: unknown[] = [];
    await net.until(client.subscribe('a', ({ body }) => bodies.push(body), { complete: bad, cleared: bad }));
    await net.until(client.kept.clear('a'));
    await net.until(client.publish('a', 2, { ack: true }));
    await net.idle();
    expect(bodies).toEqual(['a', 2]);
    expect(errors).toEqual([
      'HANDLER_FAILED complete of a: a defect of the program',
      'HANDLER_FAILED cleared of a: a defect of the program',
    ]);
  });
});

describe('client.kept', () => {
  it('lists what is kept, in portions if need be', async () => {
    await net.broker();
    const client = await keeper('b', 'a/x', 'a');
    expect(await channels(client)).toEqual(['a', 'a/x', 'b']);
    expect(await channels(client, '/a/**')).toEqual(['a', 'a/x']);
    expect(await channels(client, 'none')).toEqual([]);
    const long = 'x'.repeat(900);
    await net.until(
      Promise.all(Array.from({ length: 700 }, (_, n) => client.kept.set(`${long}/${n}`, n, { ttl: 1e6 }))),
    );
    expect(await channels(client, `${long}/*`)).toHaveLength(700);
    const entry = (await client.kept.list(`${long}/5`).next()).value;
    const time = net.clock.now() / 1000;
    expect(entry).toMatchObject({
      channel: `${long}/5`,
      time: expect.closeTo(time, 3),
      expires: expect.closeTo(time + 1000),
    });
  });

  it('gets one, as it was published', async () => {
    await net.broker();
    const client = await keeper();
    await net.until(client.kept.set('a', { x: [1, 'ä'] }));
    expect(await client.kept.get('/a/')).toMatchObject({
      channel: 'a',
      body: { x: [1, 'ä'] },
      bytes: expect.any(Number),
    });
    expect(await client.kept.get('b')).toBeUndefined();
  });

  it('clears one or all under a pattern, and says how many', async () => {
    const broker = await net.broker();
    const client = await keeper('a/1', 'a/2', 'b', 'c');
    expect(await client.kept.clear('a/*', { dryRun: true })).toBe(2);
    expect(await client.kept.clear('a/*')).toBe(2);
    expect(await client.kept.clear('b')).toBe(1);
    expect(await client.kept.clear('b')).toBe(0);
    expect(await channels(client)).toEqual(['c']);
    expect(broker.stats.kept.messages).toBe(1);
  });

  it('clears durably', async () => {
    const store = new SlowStore();
    await net.broker({ store });
    const client = await net.client();
    const kept = client.kept.set('a', 1);
    await net.idle();
    store.flush();
    await net.until(kept);
    let done = false;
    const cleared = client.kept.clear('a').then(() => (done = true));
    await net.idle();
    expect(done).toBe(false);
    store.flush();
    await net.until(cleared);
  });

  it('asks again after a reconnect', async () => {
    const broker = await net.broker();
    const client = await keeper('a', 'b');
    net.partition([client], [broker]);
    const cleared = client.kept.clear('a');
    await net.idle();
    net.cut(client, broker);
    net.heal();
    expect(await net.until(cleared)).toBe(1);
  });

  it('waits for a connection, but not for ever if that is not wanted', async () => {
    await net.broker();
    const client = net.prepare();
    const listed = channels(client);
    const late = client.kept.get('a', { timeout: 100 });
    await expect(net.until(late)).rejects.toMatchObject({ code: 'TIMEOUT' });
    const abort = new AbortController();
    const aborted = client.kept.get('a', { signal: abort.signal });
    abort.abort();
    await expect(net.until(aborted)).rejects.toMatchObject({ code: 'ABORTED' });
    await net.until(client.connect());
    expect(await net.until(listed)).toEqual([]);
    const pending = net.prepare().kept;
    await expect(pending.get('a', { timeout: 1, signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('gives the reason when the broker refuses', async () => {
    await net.broker({ authorizer: { allows: (_, action, target) => action === 'publish' || target !== '**' } });
    const client = await net.client();
    await expect(channels(client)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await client.close();
    await expect(client.kept.get('a')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('takes no time to live that is none', async () => {
    await net.broker();
    const client = await net.client();
    for (const ttl of [0, -1, NaN, Infinity]) {
      await expect(client.kept.set('a', 1, { ttl })).rejects.toThrow(TypeError);
    }
  });
});
