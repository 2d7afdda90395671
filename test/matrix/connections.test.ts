// Connections that break, stall and end: the same on every network.

import { expect, it } from '@jest/globals';

import type { ClientState } from '../../src/client/index.js';
import type { SpokeError } from '../../src/contracts/index.js';
import { Collector } from '../support/collector.js';
import type { StagedClient } from '../support/stage.js';
import { within } from '../support/within.js';
import { onEveryNetwork } from './networks.js';

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

function states({ client }: StagedClient): Collector<ClientState> {
  const collector = new Collector<ClientState>('states');
  client.on('state', (state) => collector.add(state));
  return collector;
}

onEveryNetwork((stage) => {
  it('a connection that is cut comes back, with its subscriptions, and what was published meanwhile', async () => {
    await stage().broker();
    const a = await stage().join();
    const b = await stage().join();
    const told = states(a);
    const bodies = new Collector<unknown>('bodies');
    await a.client.subscribe('x', (message) => bodies.add(message.body));
    a.tap.connection.cut();
    expect(await told.take(2)).toEqual(['reconnecting', 'connected']);
    await a.client.flush();
    await b.client.publish('x', 1);
    expect(await bodies.next()).toBe(1);
    const away = states(b);
    b.tap.connection.cut();
    expect(await away.next()).toBe('reconnecting');
    const waiting = upTo(20).map(async (n) => b.client.publish('x', n));
    await within(Promise.all(waiting), 'the publishing');
    expect(await bodies.take(20)).toEqual(upTo(20));
  });

  it('a broker that goes and comes back is found again by all', async () => {
    const first = await stage().broker();
    const clients = [await stage().join(), await stage().join(), await stage().join()];
    const told = clients.map(states);
    const bodies = new Collector<unknown>('bodies');
    for (const { client } of clients) await client.subscribe('x', (message) => bodies.add(message.body));
    await first.close();
    for (const one of told) expect(await one.next()).toBe('reconnecting');
    await stage().broker();
    for (const one of told) expect(await one.next()).toBe('connected');
    for (const { client } of clients) await client.flush();
    await clients[0]?.client.publish('x', 1);
    expect(await bodies.take(3)).toEqual([1, 1, 1]);
  });

  it('nobody there is retried until somebody is', async () => {
    const broker = await stage().broker();
    await broker.close();
    const { client } = stage().prepare();
    const failed = new Promise<SpokeError>((resolve) => client.on('retry', resolve));
    const connecting = client.connect();
    expect(await within(failed, 'the first failure')).toMatchObject({ code: 'CONNECT_FAILED', retryable: true });
    const published = client.publish('x', 'waited', { persist: true });
    await stage().broker();
    await within(Promise.all([connecting, published]), 'the connection');
    await client.flush();
    const bodies: unknown[] = [];
    await (await stage().client()).subscribe('x', (message) => bodies.push(message.body));
    expect(bodies).toEqual(['waited']);
  });

  it('a client with a deadline gives up, and leaves nothing', async () => {
    const broker = await stage().broker();
    await broker.close();
    const { client, tap } = stage().prepare();
    await expect(client.connect({ timeout: 500 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      cause: { code: 'CONNECT_FAILED' },
    });
    expect(tap.connections).toEqual([]);
  });

  it('a reader that stops holds up nobody, and gets everything when it goes on', async () => {
    await stage().broker();
    const [stalled, healthy] = [await stage().join(), await stage().join()];
    const slow = new Collector<unknown>('slow bodies');
    const quick = new Collector<unknown>('quick bodies');
    await stalled.client.subscribe('x', (message) => slow.add(message.body));
    await healthy.client.subscribe('x', (message) => quick.add(message.body));
    stalled.tap.connection.stallReading();
    const publisher = await stage().client();
    const text = 'x'.repeat(10_000);
    for (const n of upTo(1000)) await publisher.publish('x', `${n} ${text}`);
    await publisher.flush();
    expect(await quick.take(1000)).toHaveLength(1000);
    // At most what was on its way when it stopped.
    expect(slow.items.length).toBeLessThan(1000);
    stalled.tap.connection.goOnReading();
    expect((await slow.take(1000)).map((body) => parseInt(String(body), 10))).toEqual(upTo(1000));
  });

  it('a reader that stops for too long is ended, the memory stays bounded, and others lose nothing', async () => {
    const limit = 2_000_000;
    const broker = await stage().broker({ limits: { outboundBytes: limit } });
    const [stalled, healthy] = [await stage().join({ reconnect: false }), await stage().join()];
    const told = states(stalled);
    const quick = new Collector<number>('quick bodies');
    await stalled.client.subscribe('x', () => {});
    await healthy.client.subscribe('x', (message) => quick.add(parseInt(String(message.body), 10)));
    stalled.tap.connection.stallReading();
    const publisher = await stage().client();
    await publisher.flush();
    const text = 'x'.repeat(50_000);
    let most = 0;
    let published = 0;
    while (broker.stats.connections === 3 && published < 2000) {
      await publisher.publish('x', `${published++} ${text}`);
      await publisher.flush();
      most = Math.max(most, broker.stats.outboundBytes);
    }
    expect(broker.stats.connections).toBe(2);
    expect(most).toBeLessThanOrEqual(limit);
    expect(await quick.take(published)).toEqual(upTo(published));
    expect(broker.stats.outboundBytes).toBe(0);
    stalled.tap.connections[0]?.goOnReading();
    expect(await told.next()).toBe('closed');
  });

  it('a broker that closes sends what is queued first', async () => {
    const broker = await stage().broker({ closeTimeout: 5000 });
    const reader = await stage().join({ reconnect: false });
    const bodies = new Collector<number>('bodies');
    await reader.client.subscribe('x', (message) => bodies.add(parseInt(String(message.body), 10)));
    const told = states(reader);
    const publisher = await stage().client();
    const text = 'x'.repeat(10_000);
    for (const n of upTo(200)) void publisher.publish('x', `${n} ${text}`);
    await publisher.flush();
    await within(broker.close(), 'the end of the broker');
    expect(await bodies.take(200)).toEqual(upTo(200));
    expect(await told.next()).toBe('closed');
  });

  it('a client that closes sends what it published first', async () => {
    await stage().broker();
    const bodies = new Collector<unknown>('bodies');
    await (await stage().client()).subscribe('x', (message) => bodies.add(message.body));
    const publisher = await stage().client();
    const text = 'x'.repeat(1000);
    for (const n of upTo(500)) void publisher.publish('x', [n, text]);
    await within(publisher.close(), 'the end of the client');
    expect(await bodies.take(500)).toEqual(upTo(500).map((n) => [n, text]));
  });

  it('closing while connecting ends both, and nobody hangs', async () => {
    const broker = await stage().broker();
    const attempts = upTo(20).map(async () => {
      const { client } = stage().prepare();
      const connecting = client.connect().catch((error: SpokeError) => error.code);
      await client.close();
      return connecting;
    });
    expect(await within(Promise.all(attempts), 'all the ends')).toEqual(upTo(20).map(() => 'CLOSED'));
    const watcher = await stage().client();
    const leaving = stage().prepare();
    const late = leaving.client.connect().catch(() => undefined);
    await broker.close();
    await leaving.client.close();
    await late;
    expect(['reconnecting', 'connected']).toContain(watcher.state);
  });

  it('an authenticator that takes its time loses nothing, and one that says no ends the connection', async () => {
    const answers: ((name: string | undefined) => void)[] = [];
    const asked = new Collector<string>('authentications');
    await stage().broker({
      authenticator: {
        async authenticate(peer) {
          asked.add(peer.address);
          const name = await new Promise<string | undefined>((resolve) => answers.push(resolve));
          return name === undefined ? undefined : { name };
        },
      },
    });
    const a = await stage().join();
    const bodies = new Collector<unknown>('bodies');
    const subscribed = a.client.subscribe('x', (message) => bodies.add(message.body));
    await a.client.publish('x', 1);
    await asked.next();
    answers[0]?.('alice');
    await within(subscribed, 'the subscription');
    expect(await bodies.next()).toBe(1);
    const b = await stage().join({ reconnect: false });
    const told = states(b);
    await asked.next();
    answers[1]?.(undefined);
    expect(await told.next()).toBe('closed');
  });

  it('connections over the limit are ended, and their clients keep trying until there is room', async () => {
    const broker = await stage().broker({ limits: { connections: 2 } });
    const [a, b] = [await stage().join(), await stage().join()];
    // Known to be in.
    await a.client.flush();
    await b.client.flush();
    const c = stage().prepare();
    // Whether it was connected for a moment is up to the network.
    const refused = new Promise<void>((resolve) => {
      c.client.on('retry', () => resolve());
      c.client.on('state', (state) => state === 'reconnecting' && resolve());
    });
    const connecting = c.client.connect();
    await within(refused, 'the refusal');
    expect(broker.stats.connections).toBe(2);
    await a.client.close();
    await within(Promise.all([connecting, c.client.flush()]), 'the third client');
  });
});
