// Brokers on a real nats-server: what only that can show. The rest is in test/compliance/backplanes and, simulated, beside this.

import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrokerOptions } from 'spoke';
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

async function startBroker(nats: NatsOptions = {}, options: BrokerOptions = {}): Promise<Broker> {
  const backplane = new NatsBackplane({ servers: server.url, ...nats });
  const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', backplane, ...options });
  ended.push(() => broker.close());
  return broker;
}

async function clientOf(broker: Broker): Promise<Client> {
  const client = await Client.connect({ url: broker.addresses[0] ?? '' });
  ended.push(() => client.close());
  return client;
}

/** Asks again and again until something is so. */
async function eventually(what: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + 20_000;
  while (!(await what())) {
    if (Date.now() > until) throw new Error(`it did not come about: ${String(what)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('brokers on nats-server', () => {
  it('are one network', async () => {
    const [a, b] = [await startBroker(), await startBroker()];
    const [one, two] = [await clientOf(a), await clientOf(b)];
    const heard: unknown[] = [];
    await two.subscribe('room/*/**', ({ channel, body }) => heard.push([channel, body]));
    await one.publish('room/é ü.>/x', 1);
    await one.publish('room/kept', 2, { persist: true });
    await eventually(() => heard.length === 2);
    expect(heard).toEqual([
      ['room/é ü.>/x', 1],
      ['room/kept', 2],
    ]);
    await two.provide('square', (x: number) => x * x);
    expect(await one.call('square', 7)).toBe(49);
    const late = await clientOf(await startBroker());
    const kept: unknown[] = [];
    await late.subscribe('room/**', ({ body }) => kept.push(body));
    expect(kept).toEqual([2]);
    expect(a.stats.cluster).toMatchObject({ kind: 'nats', engine: 'nats-server 2.9.10', reachable: true });
  });

  it('of another prefix are another network', async () => {
    const [one, two] = [await clientOf(await startBroker()), await clientOf(await startBroker({ prefix: 'other' }))];
    const heard: unknown[] = [];
    await two.subscribe('x', ({ body }) => heard.push(body));
    await one.publish('x', 'of spoke', { persist: true });
    await two.publish('x', 'of other');
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(['of other']);
  });

  it('keep what was acknowledged when the server and all brokers are killed', async () => {
    const broker = await startBroker();
    const client = await clientOf(broker);
    for (let n = 0; n < 100; n++) await client.publish(`state/${n % 10}`, n, { persist: true });
    await server.kill();
    await broker.close();
    await server.again();
    const late = await clientOf(await startBroker());
    const kept: unknown[] = [];
    await late.subscribe('state/**', ({ body }) => kept.push(body));
    expect(kept).toEqual(Array.from({ length: 10 }, (_, n) => 90 + n));
  });

  it('go on when the server was away, and clients notice nothing but the gap', async () => {
    const [a, b] = [await startBroker(), await startBroker()];
    const [one, near, two] = [await clientOf(a), await clientOf(a), await clientOf(b)];
    const [nearby, far]: [unknown[], unknown[]] = [[], []];
    await near.subscribe('x/**', ({ body }) => nearby.push(body));
    await two.subscribe('x/**', ({ body }) => far.push(body));
    await server.kill();
    await eventually(() => a.stats.cluster?.reachable === false && b.stats.cluster?.reachable === false);
    await one.publish('x/live', 'away');
    const waiting = one.publish('x/kept', 'waits', { persist: true });
    await eventually(() => nearby.length === 2);
    await server.again();
    await waiting;
    await eventually(() => far.length === 1 && b.stats.cluster?.reachable === true);
    // What was subscribed meanwhile and before.
    await two.subscribe('y', () => {});
    await one.publish('x/live', 'back');
    await eventually(() => far.length === 2);
    expect(nearby).toEqual(['away', 'waits', 'back']);
    expect(far).toEqual(['waits', 'back']);
  });

  it('write their copies again when the server has lost its disk', async () => {
    const broker = await startBroker();
    const client = await clientOf(broker);
    await client.publish('state/a', 1, { persist: true });
    await server.kill();
    await server.wipe();
    await server.again();
    await eventually(() => broker.stats.cluster?.reachable === true);
    await eventually(async () => (await keptBy(server)) === 1 && broker.stats.cluster?.unsaved === 0);
    const late = await clientOf(await startBroker());
    const kept: unknown[] = [];
    await late.subscribe('state/**', ({ body }) => kept.push(body));
    expect(kept).toEqual([1]);
  });

  it('hold no more than they may while the server hangs, and go on', async () => {
    const broker = await startBroker({}, { limits: { outboundBytes: 1024 * 1024 } });
    const [client, other] = [await clientOf(broker), await clientOf(broker)];
    let heard = 0;
    await other.subscribe('x', () => heard++);
    server.freeze(true);
    const body = 'x'.repeat(10_000);
    for (let n = 0; n < 2000; n++) await client.publish('x', body);
    await eventually(() => heard === 2000);
    const { dropped = 0, pendingBytes = Infinity } = broker.stats.cluster ?? {};
    expect(dropped).toBeGreaterThan(0);
    expect(pendingBytes).toBeLessThan(2 * 1024 * 1024);
    server.freeze(false);
    await client.publish('state', 1, { persist: true });
  });

  it('clear and expire what is kept, in the server as well', async () => {
    const [a, b] = [await startBroker(), await startBroker()];
    const [one, two] = [await clientOf(a), await clientOf(b)];
    await one.publish('state/a', 1, { persist: true });
    await one.publish('state/b', 2, { persist: true, ttl: 300 });
    await eventually(() => b.stats.kept.messages === 2);
    expect(await two.kept.clear('state/a')).toBe(1);
    await eventually(() => a.stats.kept.messages === 0 && b.stats.kept.messages === 0);
    // What is left is that it was cleared.
    await eventually(async () => (await keptBy(server)) === 1);
    expect((await startBroker()).stats.kept.messages).toBe(0);
  });

  it('refuse a message that the server would not take', async () => {
    const client = await clientOf(await startBroker());
    await expect(client.publish('x', 'x'.repeat(1024 * 1024), { ack: true })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await expect(client.publish('\u00e9/'.repeat(60) + 'x'.repeat(900), 1, { ack: true })).resolves.toBeUndefined();
    await expect(client.publish('\u2713'.repeat(1000), 1, { ack: true })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });

  it('do not open where they could not do what they promise', async () => {
    const plain = await NatsServer.start({ jetstream: false });
    ended.push(() => plain.remove());
    await expect(startBroker({ servers: plain.url })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(startBroker({ replicas: 3 })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(startBroker({ servers: 'nats://127.0.0.1:1' })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    const guarded = await NatsServer.start({ args: ['--user', 'me', '--pass', 'secret'] });
    ended.push(() => guarded.remove());
    await expect(startBroker({ servers: guarded.url })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await startBroker({ servers: guarded.url.replace('//', '//me:secret@') });
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'taken-kept', subjects: ['something.else'] });
    await connection.close();
    await expect(startBroker({ prefix: 'taken' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(() => new NatsBackplane({ prefix: 'a.b' })).toThrow(TypeError);
    expect(() => new NatsBackplane({ servers: 'http://x' })).toThrow(TypeError);
  });
});

async function keptBy({ url }: NatsServer): Promise<number> {
  const connection = await connect({ servers: url });
  try {
    const manager = await jetstreamManager(connection);
    return (await manager.streams.info('spoke-kept')).state.messages;
  } catch {
    return -1;
  } finally {
    await connection.close();
  }
}
