// Who is connected, as programs see it; and what is said for those that are lost.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import type { PresenceEntry, PresenceNews } from '../../../src/client/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';
import { PlainBroker } from '../../support/plain-broker.js';
import { RawConnection } from '../../support/raw-connection.js';

let network: MemoryNetwork;
let broker: Broker;
beforeEach(async () => {
  network = memoryNetwork();
  broker = await network.broker();
});
afterEach(async () => network.close());

const namesOf = (entries: readonly PresenceEntry[]) => entries.map(({ name }) => name);

/** Watches, and writes down what it is told. */
async function watch(client: Client) {
  const news: { joined: unknown[]; changed: unknown[]; left: number }[] = [];
  const listener = ({ joined, changed, left }: PresenceNews) =>
    news.push({ joined: namesOf(joined), changed: changed.map(({ patterns }) => patterns), left: left.length });
  const stop = await network.until(client.presence.watch(listener));
  return { news, stop };
}

describe('presence', () => {
  it('lists who is connected, what they say of themselves, subscribe to, provide and are members of', async () => {
    const robot = await network.client({ about: { name: 'robot', meta: { floor: 3 } } });
    await network.until(robot.subscribe('poses/*'));
    await network.until(robot.subscribe('jobs', () => {}, { group: 'workers' }));
    await network.until(robot.provide('math/square', (x: number) => x * x));
    const viewer = await network.client({ about: { name: 'viewer' } });
    const [first, second] = await network.until(viewer.presence.list());
    expect(first).toMatchObject({
      name: 'robot',
      meta: { floor: 3 },
      address: expect.stringContaining('client-1'),
      since: 1_700_000_000,
      provides: ['math/square'],
    });
    expect(first?.patterns).toContain('poses/*');
    expect(first?.groups).toContainEqual({ pattern: 'jobs', group: 'workers' });
    expect(second).toMatchObject({ name: 'viewer', patterns: [] });
    expect(broker.presence.list()).toEqual([first, second]);
  });

  it('lists programs that know nothing of it', async () => {
    const raw = await RawConnection.open(network.transport('old'), 'memory://broker-1');
    raw.subscribe('**');
    const viewer = await network.client();
    const entries = await network.until(viewer.presence.list());
    expect(entries[0]).toMatchObject({ address: expect.stringContaining('old'), patterns: ['**'] });
    expect(entries[0]).not.toHaveProperty('name');
    await network.until(raw.close());
  });

  it('tells who watches of all there are, and then of whoever comes, changes and leaves', async () => {
    const viewer = await network.client({ about: { name: 'viewer' } });
    const { news, stop } = await watch(viewer);
    expect(news).toEqual([{ joined: ['viewer'], changed: [], left: 0 }]);
    news.length = 0;
    const robot = await network.client({ about: { name: 'robot' } });
    await network.idle();
    expect(news.flatMap(({ joined }) => joined)).toHaveLength(1);
    news.length = 0;
    await network.until(robot.subscribe('x'));
    await network.idle();
    expect(news.at(-1)).toEqual({ joined: [], changed: [['x']], left: 0 });
    news.length = 0;
    await network.until(robot.close());
    await network.idle();
    expect(news.at(-1)).toMatchObject({ left: 1 });
    news.length = 0;
    await network.until(stop());
    await network.client();
    expect(news).toEqual([]);
  });

  it('may be watched before it is known what the broker offers', async () => {
    const viewer = network.prepare({ about: { name: 'viewer' } });
    const watching = watch(viewer);
    await network.until(viewer.connect());
    const { news } = await network.until(watching);
    expect(news.flatMap(({ joined }) => joined)).toHaveLength(1);
    await network.client({ about: { name: 'robot' } });
    await network.idle();
    expect(news.flatMap(({ joined }) => joined)).toHaveLength(2);
  });

  it('tells of many at once, however many changed in a turn', async () => {
    const viewer = await network.client();
    const { news } = await watch(viewer);
    const robot = await network.client();
    await network.idle();
    news.length = 0;
    await network.until(Promise.all(Array.from({ length: 50 }, (_, n) => robot.subscribe(`x/${n}`))));
    await network.idle();
    expect(news.length).toBeLessThan(5);
    expect(news.at(-1)?.changed).toMatchObject([{ length: 50 }]);
  });

  it('tells what is different after a reconnect', async () => {
    const viewer = await network.client({ name: 'viewer' });
    const robot = await network.client({ about: { name: 'robot' } });
    const { news } = await watch(viewer);
    news.length = 0;
    network.cut('viewer', 'broker-1');
    await network.until(robot.close());
    await network.advance('2 s');
    expect(news).toEqual([{ joined: [undefined], changed: [], left: 2 }]);
  });

  it('lists thousands in portions', async () => {
    const raws = [];
    for (let n = 0; n < 2500; n++) raws.push(await RawConnection.open(network.transport(`r${n}`), 'memory://broker-1'));
    const viewer = await network.client();
    const entries = await network.until(viewer.presence.list());
    expect(new Set(entries.map(({ id }) => id)).size).toBe(2501);
    for (const raw of raws) raw.cut();
    await network.idle();
  });

  it('is for those who may subscribe to -presence/**', async () => {
    const allows = (_: unknown, __: string, target: string) => !target.startsWith('-presence');
    const strict = await network.broker({ name: 'strict', authorizer: { allows } });
    const viewer = await network.client({ to: strict });
    await expect(network.until(viewer.presence.list())).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(network.until(viewer.presence.watch(() => {}))).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is told in the process of the broker, too', async () => {
    const news: PresenceNews[] = [];
    const stop = broker.presence.listen((one) => news.push(one));
    await network.client();
    expect(news).toHaveLength(1);
    stop();
    await network.client();
    expect(news).toHaveLength(1);
  });

  it('rejects with brokers that do not tell', async () => {
    const plain = await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
    const viewer = await network.client({ to: 'plain', about: { name: 'viewer' } });
    await expect(network.until(viewer.presence.list())).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(plain.received.filter((channel) => /about|will/.test(channel))).toEqual([]);
    await network.until(viewer.close());
    await plain.close();
  });
});

describe('a will', () => {
  async function listen(): Promise<unknown[]> {
    const bodies: unknown[] = [];
    const client = await network.client();
    await network.until(client.subscribe('status/*', ({ body }) => bodies.push(body)));
    return bodies;
  }

  it('is published when the connection is lost, and not when the client closes', async () => {
    const bodies = await listen();
    const will = { channel: 'status/robot', body: { online: false }, persist: true };
    const robot = await network.client({ name: 'robot', will, reconnect: false });
    const other = await network.client({ name: 'other', will: { channel: 'status/other', body: 'lost' } });
    await network.until(Promise.all([robot.flush(), other.flush()]));
    await network.until(other.close());
    expect(bodies).toEqual([]);
    network.cut('robot', 'broker-1');
    await network.idle();
    expect(bodies).toEqual([{ online: false }]);
    const late = await network.client();
    expect(await network.until(late.kept.get('status/robot'))).toMatchObject({ body: { online: false } });
  });

  it('holds for every connection after a reconnect, until it is taken back', async () => {
    const bodies = await listen();
    const robot = await network.client({ name: 'robot' });
    await network.until(robot.setWill({ channel: 'status/robot', body: 'lost' }));
    for (let n = 0; n < 2; n++) {
      network.cut('robot', 'broker-1');
      await network.advance('10 s');
    }
    expect(bodies).toEqual(['lost', 'lost']);
    await network.until(robot.setWill(null));
    network.cut('robot', 'broker-1');
    await network.advance('10 s');
    expect(bodies).toHaveLength(2);
  });

  it('is published when the client is silent for too long', async () => {
    const bodies = await listen();
    const robot = await network.client({ name: 'robot', heartbeat: 1000, will: { channel: 'status/robot' } });
    await network.until(robot.flush());
    network.partition(['robot'], ['broker-1']);
    await network.advance('5 s');
    expect(bodies).toEqual([null]);
  });

  it('is not published when the broker ends', async () => {
    await network.broker({ name: 'second' });
    await network.bridge('broker-1', 'second');
    const bodies: unknown[] = [];
    const far = await network.client({ to: 'second' });
    await network.until(far.subscribe('status/*', ({ body }) => bodies.push(body)));
    const robot = await network.client({ will: { channel: 'status/robot' } });
    await network.until(robot.flush());
    await network.until(broker.close());
    await network.advance('1 s');
    expect(bodies).toEqual([]);
  });

  it('takes the right to publish there', async () => {
    const allows = (_: unknown, action: string, target: string) => action !== 'publish' || target !== 'secret';
    const strict = await network.broker({ name: 'strict', authorizer: { allows } });
    const robot = await network.client({ to: strict });
    const codes: string[] = [];
    robot.on('error', ({ code }) => codes.push(code));
    await network.until(robot.setWill({ channel: 'secret' }));
    expect(codes).toEqual(['FORBIDDEN']);
  });

  it('is not for brokers that know none', async () => {
    const plain = await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
    const robot = await network.client({ to: 'plain' });
    await expect(network.until(robot.setWill({ channel: 'x' }))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await network.until(robot.close());
    await plain.close();
  });
});
