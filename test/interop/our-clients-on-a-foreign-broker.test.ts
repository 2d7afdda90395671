import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Message } from 'spoke';
import { call, publish } from 'spoke';
import { Collector } from '../support/collector.js';
import type { IndependentServer } from '../support/independent-peer/index.js';
import { unacceptable } from '../support/independent-peer/index.js';
import { Scene } from './scene.js';

const scene = new Scene();
let server: IndependentServer;
const servers: IndependentServer[] = [];

async function startServer(port = 0): Promise<IndependentServer> {
  server = await scene.foreignServer(port);
  servers.push(server);
  return server;
}

beforeEach(async () => {
  await startServer();
});

afterEach(async () => {
  await scene.close();
  // Whatever a test was about: nothing else may have gone over the wire, up to the last byte of each connection.
  const found = servers.splice(0).flatMap((one) => unacceptable(one, ['app/**', 'test/**']));
  expect(found).toEqual([]);
});

const bodies = (messages: readonly Message[]): unknown[] => messages.map(({ body }) => body);

describe('Our client on a broker of the peers', () => {
  it('knows that its subscription has taken effect when subscribe resolves', async () => {
    const { client } = await scene.client(server.url);
    await client.subscribe('app/*', () => {});
    expect([...(server.connections[0]?.patterns ?? [])]).toContain('app/*');
    expect([...client.features]).toEqual([]);
  });

  it('flushes by a message to itself, and no subscriber of its own sees it', async () => {
    const { client } = await scene.client(server.url);
    const everything = new Collector<Message>();
    await client.subscribe('**', everything.add, { bounce: false });
    await client.publish('app/a', 1);
    await client.flush({ timeout: 5000 });
    expect(server.received.at(-2)?.channel).toBe('app/a');
    expect(everything.items.map(({ channel }) => channel)).toEqual(['app/a']);
  });

  it('hears peers and is heard by them, through wildcards, in order, with bodies of every type', async () => {
    const { client } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    const values = [
      1,
      -2.5,
      1e300,
      'Grüße ✓ 😀 \u0000 "\\',
      true,
      null,
      [],
      {},
      [[{ a: [1, { b: null }] }]],
      { ключ: ['é'] },
    ];
    const heard = new Collector<Message>();
    await client.subscribe('app/*/**/x', heard.add);
    await peer.subscribe('app/**');
    await peer.roundTrip();

    for (const value of values) await peer.publish('app/1/2/x', value);
    expect(bodies(await heard.take(values.length))).toEqual(values);

    await peer.roundTrip();
    peer.delivered.length = 0;
    for (const value of values) await client.publish('/app//1/x/', value);
    await peer.until(() => peer.delivered.length === values.length, 'all values');
    expect(peer.delivered.map(({ body }) => body)).toEqual(values);
    expect(new Set(peer.delivered.map(({ channel }) => channel))).toEqual(new Set(['app/1/x']));
    await heard.take(values.length);
    await peer.publish('app/x');
    await peer.roundTrip();
    await client.flush();
    expect(heard.rest).toEqual([]);
    expect(peer.complaints).toEqual([]);
  });

  it('carries head keys both ways, and honours bounce', async () => {
    const { client } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    const heard = new Collector<Message>();
    await client.subscribe('app/a', heard.add);
    await peer.subscribe('app/a');
    await peer.roundTrip();

    await client.publish('app/a', 1, { bounce: false, time: 1.5, head: { trace: ['x'] } });
    await client.publish('app/a', 2);
    await client.flush();
    await peer.publish('app/a', 3, { from: 'peer' });
    const [second, third] = await heard.take(2);
    expect([second?.body, third?.body]).toEqual([2, 3]);
    expect(third?.head).toEqual({ from: 'peer', channel: 'app/a', time: expect.any(Number) });
    await peer.until(() => peer.delivered.some(({ body }) => body === 3), 'the last message');
    expect(peer.delivered.find(({ body }) => body === 1)?.head).toEqual({ channel: 'app/a', trace: ['x'], time: 1.5 });
  });

  it('has got all kept messages when subscribe resolves, in the order in which their channels were first kept', async () => {
    const { client } = await scene.client(server.url);
    const { client: writer } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    await peer.publish('app/b', 1, { persist: true });
    await peer.roundTrip();
    await writer.publish('app/a', 2, { persist: true });
    await writer.publish('app/b', 3, { persist: true });
    await writer.publish('app/a', 0, { persist: true, time: 1 });
    await writer.flush();

    const kept = new Collector<Message>();
    await client.subscribe('app/*', kept.add);
    expect(bodies(kept.items)).toEqual([3, 2]);
    expect(kept.items.every(({ persist }) => persist)).toBe(true);
  });

  it('calls a procedure of a peer: value, remote error, absent argument', async () => {
    const { client } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    await peer.provide('app/square', (x) => {
      if (typeof x !== 'number') throw new Error(`no number: ${JSON.stringify(x)}`);
      return x * x;
    });
    await peer.roundTrip();
    const squares = [1, 2, 3, 4].map((x) => client.call<number>('app/square', x, { timeout: 5000 }));
    expect(await Promise.all(squares)).toEqual([1, 4, 9, 16]);
    await expect(client.call('app/square')).rejects.toMatchObject({ code: 'REMOTE', message: 'no number: null' });
  });

  it('answers calls of peers, also those without an id, and tells them errors', async () => {
    const { client } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    await client.provide('app/half', async (x: number) => {
      if (x % 2 === 1) throw new RangeError('odd');
      return x / 2;
    });
    expect(await Promise.all([2, 4].map((x) => peer.call('app/half', x)))).toEqual([1, 2]);
    await expect(peer.call('app/half', 3)).rejects.toThrow('odd');

    await peer.subscribe('app/half/-rpc/result');
    await peer.publish('app/half/-rpc/call', 10);
    await peer.until(() => peer.delivered.some(({ channel }) => channel === 'app/half/-rpc/result'), 'the result');
    expect(peer.delivered.at(-1)?.body).toEqual({ okay: 5 });
  });

  it('calls and answers among its own kind there', async () => {
    const { client: provider } = await scene.client(server.url);
    const { client: caller } = await scene.client(server.url);
    await provider.provide('app/echo', (value: unknown) => value);
    expect(await caller.call('app/echo', { a: [1] }, { timeout: 5000 })).toEqual({ a: [1] });
    expect(await provider.call('app/echo', 'myself', { timeout: 5000 })).toBe('myself');
  });

  it('stops receiving when it unsubscribes, and tells the broker once nobody uses the pattern', async () => {
    const { client } = await scene.client(server.url);
    const heard = new Collector<Message>();
    const first = await client.subscribe('app/a', heard.add);
    const second = await client.subscribe('/app/a/', heard.add);
    await first.unsubscribe();
    await client.publish('app/a', 1);
    expect((await heard.take(1)).length).toBe(1);
    expect([...(server.connections[0]?.patterns ?? [])]).toContain('app/a');
    await second.unsubscribe();
    await client.publish('app/a', 2);
    await client.flush();
    expect(heard.rest).toEqual([]);
    expect([...(server.connections[0]?.patterns ?? [])]).not.toContain('app/a');
  });

  it('is there again after the broker was restarted: subscriptions, providers, and what was published meanwhile', async () => {
    const { client, errors } = await scene.client(server.url);
    const { port } = server;
    const heard = new Collector<Message>();
    await client.subscribe('app/**', heard.add);
    await client.provide('app/double', (x: number) => 2 * x);
    const lost = new Promise<void>((resolve) => client.on('state', (state) => state === 'reconnecting' && resolve()));
    await server.close();
    await lost;
    const waiting = [1, 2, 3].map((n) => client.publish('app/meanwhile', n));
    const flushed = client.flush({ timeout: 8000 });

    await startServer(port);
    await Promise.all(waiting);
    await flushed;
    const own = heard.rest.filter(({ channel }) => channel === 'app/meanwhile');
    expect(bodies(own)).toEqual([1, 2, 3]);
    const peer = await scene.peer(port);
    expect(await peer.call('app/double', 21)).toBe(42);
    expect(errors).toEqual([]);
  });

  it('tells a caller that the connection was lost under its call, and the next call works', async () => {
    const { client } = await scene.client(server.url);
    const { port } = server;
    const pending = client.call('app/slow', 1, { timeout: 8000 });
    await server.until(() => server.received.some(({ channel }) => channel.endsWith('/call')), 'the call');
    const rejected = expect(pending).rejects.toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    await server.close();
    await rejected;

    await startServer(port);
    const peer = await scene.peer(port);
    await peer.provide('app/slow', () => 'done');
    await peer.roundTrip();
    expect(await client.call('app/slow', 1, { timeout: 8000 })).toBe('done');
  });

  it('survives many restarts', async () => {
    const { client } = await scene.client(server.url);
    const { port } = server;
    const heard = new Collector<Message>();
    await client.subscribe('app/round', heard.add);
    for (let round = 1; round <= 5; round++) {
      const lost = new Promise<void>((resolve) => {
        const stop = client.on('state', (state) => {
          if (state !== 'reconnecting') return;
          stop();
          resolve();
        });
      });
      await server.close();
      await lost;
      await startServer(port);
      await client.publish('app/round', round);
      await client.flush({ timeout: 8000 });
    }
    expect(bodies(heard.items)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is read as an async iterator', async () => {
    const { client } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    const reading = (async () => {
      const seen: unknown[] = [];
      for await (const { body } of client.messages('app/**')) if (seen.push(body) === 3) break;
      return seen;
    })();
    await client.flush();
    for (const n of [1, 2, 3, 4]) await peer.publish('app/n', n);
    expect(await reading).toEqual([1, 2, 3]);
  });

  it('publishes and calls in one line', async () => {
    const peer = await scene.peer(server.port);
    await peer.subscribe('app/line');
    await peer.provide('app/plus', (x) => Number(x) + 1);
    await peer.roundTrip();
    await publish('app/line', { n: 1 }, { url: server.url, persist: true, timeout: 5000 });
    // It resolved, so the broker has it, and nothing needs to be waited for but its way to the peer.
    expect(server.received.some(({ channel, head }) => channel === 'app/line' && head['persist'] === true)).toBe(true);
    await peer.roundTrip();
    expect(peer.delivered.some(({ channel }) => channel === 'app/line')).toBe(true);
    expect(await call<number>('app/plus', 1, { url: server.url, timeout: 5000 })).toBe(2);
  });

  it('shows a peer that watches everything nothing but known messages and control messages', async () => {
    const peer = await scene.peer(server.port);
    await peer.subscribe('**');
    await peer.roundTrip();
    const { client } = await scene.client(server.url);
    await client.subscribe('app/a', () => {});
    await client.publish('app/a', 1);
    await client.call('app/none', 1, { timeout: 1 }).catch(() => {});
    await client.close();
    await peer.roundTrip();
    expect(peer.complaints).toEqual([]);
    const unexpected = peer.delivered.filter(({ channel }) => !/^(-control|app|test)\//.test(channel));
    expect(unexpected).toEqual([]);
  });

  it('is not taken in when another program on the network says what only a broker says', async () => {
    const { client, errors } = await scene.client(server.url);
    const peer = await scene.peer(server.port);
    const watched = new Collector<Message>();
    await client.subscribe('-control/*', watched.add, { bounce: false });
    await peer.publish('-control/welcome', { nonce: 'guessed', features: ['errors', 'ping'], server: 'not me' });
    await peer.publish('-control/error', { code: 'FORBIDDEN', message: 'no' });
    await peer.roundTrip();
    await client.flush();
    expect([...client.features]).toEqual([]);
    expect(errors).toEqual([]);
    expect(watched.items.map(({ channel }) => channel)).toEqual(
      expect.arrayContaining(['-control/welcome', '-control/error']),
    );
    // The two above are this test's own.
    for (const one of servers) one.received.splice(0, Infinity, ...one.received.filter((m) => !isOfBroker(m.channel)));
  });
});

function isOfBroker(channel: string): boolean {
  return channel === '-control/welcome' || channel === '-control/error';
}
