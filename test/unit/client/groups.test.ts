// Groups: of the members of one name, one gets each message.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SubscribeOptions } from '../../../src/client/index.js';
import type { SpokeError } from '../../../src/contracts/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';
import { PlainBroker } from '../../support/plain-broker.js';
import { RawConnection } from '../../support/raw-connection.js';

let network: MemoryNetwork;
beforeEach(() => {
  network = memoryNetwork();
});
afterEach(async () => network.close());

/** Subscribes, and collects the bodies. */
async function listen(client: Client, pattern: string, options: SubscribeOptions = {}) {
  const bodies: unknown[] = [];
  const subscription = await network.until(client.subscribe(pattern, ({ body }) => bodies.push(body), options));
  return { bodies, subscription };
}

/** Publishes numbers, and lets them arrive. */
async function publish(client: Client, channel: string, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n++) await client.publish(channel, n);
  await network.idle();
}

/** What members got together, numbers, in their order. */
const together = (...members: readonly { readonly bodies: readonly unknown[] }[]) =>
  members.flatMap(({ bodies }) => bodies).toSorted((a, b) => Number(a) - Number(b));

describe('a group', () => {
  beforeEach(async () => void (await network.broker()));

  it('gets each message once: its members take turns', async () => {
    const [a, b, c, publisher] = await Promise.all([1, 2, 3, 4].map(() => network.client()));
    if (a === undefined || b === undefined || c === undefined || publisher === undefined) throw new Error('clients');
    const members = [];
    for (const client of [a, b, c]) members.push(await listen(client, 'jobs/*', { group: 'workers' }));
    await publish(publisher, 'jobs/print', 1, 6);
    expect(members.map(({ bodies }) => bodies)).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
  });

  it('leaves alone who subscribes without it, in the same client as well', async () => {
    const [a, b, publisher] = [await network.client(), await network.client(), await network.client()];
    const monitor = await listen(a, 'jobs/**');
    const same = await listen(a, 'jobs/*');
    const members = [await listen(a, 'jobs/*', { group: 'workers' }), await listen(b, 'jobs/*', { group: 'workers' })];
    await publish(publisher, 'jobs/print', 1, 4);
    expect(members.map(({ bodies }) => bodies)).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(same.bodies).toEqual([1, 2, 3, 4]);
    expect(monitor.bodies).toEqual([1, 2, 3, 4]);
  });

  it('is one of several: each gets the message', async () => {
    const [a, b] = [await network.client(), await network.client()];
    const [first, second] = [await listen(a, 'x', { group: 'first' }), await listen(a, 'x', { group: 'second' })];
    const third = await listen(b, 'x', { group: 'second' });
    await publish(b, 'x', 1, 2);
    expect(first.bodies).toEqual([1, 2]);
    expect([second.bodies, third.bodies]).toEqual([[1], [2]]);
  });

  it('is one over all patterns of its name', async () => {
    const [a, b] = [await network.client(), await network.client()];
    const one = await listen(a, 'jobs/*', { group: 'workers' });
    const two = await listen(b, 'jobs/**', { group: 'workers' });
    await publish(b, 'jobs/print', 1, 4);
    await publish(b, 'jobs/print/now', 5, 6);
    expect(one.bodies).toEqual([1, 3]);
    expect(two.bodies).toEqual([2, 4, 5, 6]);
  });

  it('goes on with those that stay when a member leaves, and gives the leaving one what it was sent already', async () => {
    network.latency(5);
    const [a, b, publisher] = [await network.client(), await network.client(), await network.client()];
    const leaving = await listen(a, 'jobs', { group: 'workers' });
    const staying = await listen(b, 'jobs', { group: 'workers' });
    for (let n = 1; n <= 4; n++) await publisher.publish('jobs', n);
    await network.advance(5);
    const left = leaving.subscription.unsubscribe();
    for (let n = 5; n <= 8; n++) await publisher.publish('jobs', n);
    await network.until(left);
    await network.advance(50);
    expect(together(leaving, staying)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(leaving.bodies).toEqual([1, 3]);
    expect(leaving.subscription.ended).toBe(true);
  });

  it('loses nothing when the client of a member closes', async () => {
    network.latency(5);
    const [a, b, publisher] = [await network.client(), await network.client(), await network.client()];
    const leaving = await listen(a, 'jobs', { group: 'workers' });
    const staying = await listen(b, 'jobs', { group: 'workers' });
    for (let n = 1; n <= 4; n++) await publisher.publish('jobs', n);
    await network.advance(5);
    await network.until(a.close());
    for (let n = 5; n <= 6; n++) await publisher.publish('jobs', n);
    await network.advance(50);
    expect(together(leaving, staying)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('leaves out a member that does not read while another one does', async () => {
    const [a, b, publisher] = [
      await network.client({ name: 'stalled' }),
      await network.client(),
      await network.client(),
    ];
    const stalled = await listen(a, 'jobs', { group: 'workers' });
    const reading = await listen(b, 'jobs', { group: 'workers' });
    network.stall('stalled');
    const big = 'x'.repeat(20_000);
    for (let n = 0; n < 100; n++) {
      await publisher.publish('jobs', big);
      await network.idle();
    }
    expect(reading.bodies.length).toBeGreaterThan(90);
    network.heal();
    await network.idle();
    expect(stalled.bodies.length + reading.bodies.length).toBe(100);
  });

  it('takes back members that lost their connection', async () => {
    const [a, b, publisher] = [
      await network.client({ name: 'a' }),
      await network.client(),
      await network.client({ name: 'p' }),
    ];
    const one = await listen(a, 'jobs', { group: 'workers' });
    const two = await listen(b, 'jobs', { group: 'workers' });
    network.cut('a', 'broker-1');
    await publish(publisher, 'jobs', 1, 2);
    expect(two.bodies).toEqual([1, 2]);
    await network.advance('1 s');
    await publish(publisher, 'jobs', 3, 4);
    expect(two.bodies).toHaveLength(3);
    expect(one.bodies).toHaveLength(1);
  });

  it('has its members again, after a reconnect, when they have flushed', async () => {
    network.latency(5);
    const broker = await network.broker({ name: 'other' });
    const member = await network.client({ name: 'a', to: broker });
    await listen(member, 'jobs', { group: 'workers' });
    network.cut('a', 'other');
    await network.until(member.flush());
    expect(broker.stats.subscriptions).toBe(1);
  });

  it('gets what is published live, and not what is kept', async () => {
    const [a, publisher] = [await network.client(), await network.client()];
    await network.until(publisher.publish('jobs', 'kept', { persist: true }));
    const member = await listen(a, 'jobs', { group: 'workers' });
    await network.until(publisher.publish('jobs', 'new', { persist: true }));
    expect(member.bodies).toEqual(['new']);
  });

  it('gives a member the message as it was published, in whatever codec it speaks', async () => {
    const [a, publisher] = [await network.client({ codec: 'msgpack' }), await network.client()];
    const heads: unknown[] = [];
    await network.until(a.subscribe('x', ({ head, body }) => heads.push([head, body]), { group: 'g' }));
    await publisher.publish('x', { n: [1] }, { head: { mine: true }, time: 1_700_000_000 });
    await network.idle();
    expect(heads).toEqual([[{ channel: 'x', mine: true, time: 1_700_000_000 }, { n: [1] }]]);
  });

  it('does not believe a mark that another program made up', async () => {
    const [a, publisher] = [await network.client(), await network.client()];
    const plain = await listen(a, 'x');
    const member = await listen(a, 'y', { group: 'g' });
    await publisher.publish('x', 1, { head: { '-group': 'guess/g' } });
    await network.idle();
    expect(plain.bodies).toEqual([1]);
    expect(member.bodies).toEqual([]);
  });

  it('is read by an iterator, too', async () => {
    const [a, publisher] = [await network.client(), await network.client()];
    const messages = a.messages('x', { group: 'g' });
    const first = messages.next();
    await network.idle();
    await publish(publisher, 'x', 1, 1);
    expect((await network.until(first)).value?.body).toBe(1);
    await network.until(messages.return());
    await publish(publisher, 'x', 2, 2);
  });

  it('does not have a member that is not allowed to subscribe', async () => {
    const allows = (_: unknown, action: string, target: string) => action === 'publish' || target !== 'secret';
    const broker = await network.broker({ name: 'strict', authorizer: { allows } });
    const client = await network.client({ to: broker });
    const joining = client.subscribe('secret', () => {}, { group: 'g' });
    await expect(network.until(joining)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await listen(client, 'open', { group: 'g' });
  });
});

describe('with a broker that has no groups', () => {
  let plain: PlainBroker;
  beforeEach(async () => {
    plain = await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
  });
  afterEach(async () => {
    await network.close();
    await plain.close();
  });

  it('joining is refused', async () => {
    const client = await network.client({ to: 'plain' });
    const joining = client.subscribe('x', () => {}, { group: 'g' });
    await expect(network.until(joining)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(plain.received).not.toContain('-control/join');
  });

  it('everyone gets everything, when that was said to be enough', async () => {
    const clients = [await network.client({ to: 'plain' }), await network.client({ to: 'plain' })];
    const members = [];
    for (const client of clients) members.push(await listen(client, 'x', { group: 'g', groupOptional: true }));
    const other = await network.client({ to: 'plain' });
    await publish(other, 'x', 1, 2);
    expect(members.map(({ bodies }) => bodies)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    const [first] = members;
    await network.until(first?.subscription.unsubscribe() ?? Promise.resolve());
    await publish(other, 'x', 3, 3);
    expect(members.map(({ bodies }) => bodies.length)).toEqual([2, 3]);
  });

  it('becomes a group when the next broker has them, and the other way round', async () => {
    const client = await network.client({ to: 'plain', reconnect: { minDelay: 10, maxDelay: 10 } });
    const errors: SpokeError[] = [];
    client.on('error', (error) => errors.push(error));
    const member = await listen(client, 'x', { group: 'g', groupOptional: true });
    await plain.close();
    const broker = await network.broker({ name: 'plain' });
    await network.advance('1 s');
    expect(broker.stats.subscriptions).toBe(1);
    const publisher = await network.client({ to: broker });
    await publish(publisher, 'x', 1, 2);
    expect(member.bodies).toEqual([1, 2]);
    await network.crash(broker);
    plain = await PlainBroker.start(network.transport('plain'), 'memory://plain', network.clock);
    await network.advance('2 s');
    await publish(publisher, 'x', 3, 3);
    expect(member.bodies).toEqual([1, 2, 3]);
    expect(errors).toEqual([]);
  });
});

it('joins with a message that programs without groups never see', async () => {
  await network.broker();
  const monitor = await RawConnection.open(network.transport('monitor'), 'memory://broker-1');
  monitor.subscribe('**');
  await network.until(monitor.flush());
  const client = await network.client();
  const member = await listen(client, 'x', { group: 'g' });
  await network.until(member.subscription.unsubscribe());
  await network.until(monitor.flush());
  expect(monitor.frames.items.filter((frame) => /join|leave|hello/.test(frame))).toEqual([]);
  await network.until(monitor.close());
});
