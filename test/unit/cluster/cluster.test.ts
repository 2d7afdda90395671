// Several brokers on one backplane are one network to their clients.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, Message } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

let net: MemoryNetwork;
let brokers: Broker[];

beforeEach(async () => {
  net = memoryNetwork({ seed: 3, latency: [1, 20] });
  brokers = [];
  for (let n = 1; n <= 3; n++) brokers.push(await net.broker({ name: `broker-${n}`, cluster: true }));
});

afterEach(async () => {
  await net.close();
});

const at = (n: number): Promise<Client> => net.client({ to: `broker-${n}` });

/** Subscribes, and lists what comes. */
async function listen(client: Client, pattern: string): Promise<unknown[]> {
  const heard: unknown[] = [];
  await net.until(client.subscribe(pattern, ({ body }: Message) => heard.push(body)).then(() => undefined));
  return heard;
}

describe('a cluster', () => {
  it('brings what a client publishes to subscribers of every broker, once and in order', async () => {
    const publisher = await at(1);
    const heard = [];
    for (const n of [1, 2, 3]) {
      for (const pattern of ['a/*/*', 'a/*/c', '**/c', 'a/**']) heard.push(await listen(await at(n), pattern));
    }
    const both = await at(2);
    await listen(both, 'a/**');
    heard.push(await listen(both, '**/c'));
    for (let n = 0; n < 50; n++) await publisher.publish(`a/${n % 3}/c`, n);
    await net.advance('1 s');
    for (const list of heard) expect(list).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('has a subscription everywhere when subscribe has resolved', async () => {
    const [publisher, subscriber] = [await at(1), await at(3)];
    for (let n = 0; n < 10; n++) {
      const heard = await listen(subscriber, `c/${n}`);
      await net.until(publisher.publish(`c/${n}`, 'now'));
      await net.advance('1 s');
      expect(heard).toEqual(['now']);
    }
  });

  it('sends a broker only what somebody there wants, and counts what its wildcards cannot tell apart', async () => {
    const publisher = await at(1);
    await listen(await at(2), 'a/**/z');
    for (const channel of ['b', 'a/z', 'a/b/z', 'a/b', 'a/c']) await publisher.publish(channel, 0);
    await net.advance('1 s');
    expect(brokers[1]?.stats.cluster).toMatchObject({ received: 4, wasted: 2, patterns: 1 });
    expect(brokers[2]?.stats.cluster).toMatchObject({ received: 0 });
  });

  it('does not bring back what a client wants not to hear of itself', async () => {
    const [a, b] = [await at(1), await at(2)];
    const [own, other] = [await listen(a, 'x'), await listen(b, 'x')];
    await a.publish('x', 1, { bounce: false });
    await net.advance('1 s');
    expect([own, other]).toEqual([[], [1]]);
  });

  it('answers calls from any broker, for callers and providers anywhere', async () => {
    const provider = await at(1);
    await net.until(provider.provide('square', (x: number) => x * x));
    for (const n of [1, 2, 3]) expect(await net.until((await at(n)).call('square', n))).toBe(n * n);
  });

  it('brings the answer to a caller that subscribes to it and calls at once, as the peers do', async () => {
    const provider = await at(1);
    await net.until(provider.provide('square', (x: number) => x * x));
    const caller = await at(2);
    const heard: unknown[] = [];
    void caller.subscribe('square/-rpc/me/1/result', ({ body }) => heard.push(body));
    void caller.publish('square/-rpc/me/1/call', 5);
    await net.advance('1 s');
    expect(heard).toEqual([{ okay: 25 }]);
  });

  it('keeps control messages where they are', async () => {
    const heard = await listen(await at(2), '-control/**');
    heard.length = 0;
    await listen(await at(1), 'x');
    await net.advance('1 s');
    expect(heard).toEqual([]);
  });

  it('joins a bridge at one broker with clients of all', async () => {
    await net.broker({ name: 'outside' });
    await net.bridge('outside', 'broker-1');
    await net.bridge('outside', 'broker-2');
    await net.advance('5 s');
    const outside = await net.client({ to: 'outside' });
    const lists = [await listen(outside, 'x/**')];
    for (const n of [1, 2, 3]) lists.push(await listen(await at(n), 'x/**'));
    await net.advance('5 s');
    await outside.publish('x/out', 'from outside');
    await net.advance('5 s');
    await (await at(3)).publish('x/in', 'from inside');
    await (await at(1)).publish('x/in', 'from the door');
    await net.advance('5 s');
    for (const list of lists) {
      expect(list).toHaveLength(3);
      expect(new Set(list)).toEqual(new Set(['from inside', 'from outside', 'from the door']));
    }
  });
});

describe('what a cluster keeps', () => {
  it('is served by every broker, also by one that joins later', async () => {
    await net.until((await at(1)).publish('state/a', 1, { persist: true }));
    await net.until((await at(2)).publish('state/b', 2, { persist: true }));
    await net.until((await at(3)).publish('state/a', 3, { persist: true }));
    await net.broker({ name: 'broker-4', cluster: true });
    await net.advance('1 s');
    for (const n of [1, 2, 3, 4]) expect(new Set(await listen(await at(n), 'state/**'))).toEqual(new Set([2, 3]));
  });

  it('reaches subscribers once, and in order with live messages of the same publisher', async () => {
    const publisher = await at(1);
    const heard = await listen(await at(2), 'x/**');
    for (let n = 0; n < 30; n++) void publisher.publish(`x/${n % 4}`, n, { persist: n % 2 === 0 });
    await net.advance('1 s');
    expect(heard).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  it('outlives all brokers', async () => {
    await net.until((await at(1)).publish('state/a', 1, { persist: true }));
    for (const broker of brokers) await net.crash(broker);
    await net.broker({ name: 'broker-1', cluster: true });
    expect(await listen(await at(1), 'state/**')).toEqual([1]);
  });

  it('is acknowledged when the engine has it, and not before', async () => {
    const publisher = await at(1);
    net.engine.stop();
    await net.advance('1 s');
    let acknowledged = false;
    const published = publisher.publish('state/a', 1, { persist: true }).then(() => (acknowledged = true));
    await net.advance('5 s');
    expect(acknowledged).toBe(false);
    net.engine.start();
    await net.until(published);
    expect(net.engine.entries.has('state/a')).toBe(true);
  });

  it('tells the publisher after ten seconds that the engine is away, and keeps it when that is back', async () => {
    const publisher = await at(1);
    net.engine.stop();
    await expect(net.until(publisher.publish('state/a', 1, { persist: true }))).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
    expect(brokers[0]?.stats.cluster).toMatchObject({ reachable: false, unsaved: 1 });
    net.engine.start();
    await net.advance('2 s');
    expect(brokers[0]?.stats.cluster).toMatchObject({ reachable: true, unsaved: 0 });
    expect(await listen(await at(3), 'state/**')).toEqual([1]);
  });

  it('is cleared everywhere, and stays so', async () => {
    const clients = [await at(1), await at(2), await at(3)];
    const [first] = clients;
    await net.until(first?.publish('state/a', 1, { persist: true }) ?? Promise.resolve());
    await net.advance('1 s');
    expect(await net.until(clients[1]?.kept.clear('state/**') ?? Promise.resolve(0))).toBe(1);
    await net.advance('1 s');
    for (const n of [1, 2, 3]) expect(await listen(await at(n), 'state/**')).toEqual([]);
    await net.broker({ name: 'broker-4', cluster: true });
    expect(await listen(await at(4), 'state/**')).toEqual([]);
  });

  it('expires everywhere, and is not kept by the engine any more', async () => {
    await net.until((await at(1)).publish('state/a', 1, { persist: true, ttl: 5000 }));
    await net.advance('1 s');
    expect(await listen(await at(2), 'state/**')).toEqual([1]);
    await net.advance('5 s');
    for (const n of [1, 2, 3]) expect(await listen(await at(n), 'state/**')).toEqual([]);
    expect(net.engine.entries.size).toBe(0);
  });

  it('is the newest, whatever the order in which the engine got it', async () => {
    const now = net.clock.now() / 1000;
    await net.advance('1 s');
    const [a, b] = [await at(1), await at(2)];
    net.engine.partition('broker-1');
    const newer = a.publish('state/a', 'newer', { persist: true, time: now + 0.5 });
    const older = b.publish('state/a', 'older', { persist: true, time: now });
    await net.until(older);
    net.engine.heal();
    await net.until(newer);
    net.engine.partition('broker-3');
    await net.until(a.publish('state/b', 'newer', { persist: true, time: now + 0.5 }));
    net.engine.heal();
    await net.until((await at(3)).publish('state/b', 'older', { persist: true, time: now }));
    await net.advance('5 s');
    await net.broker({ name: 'broker-4', cluster: true });
    for (const n of [1, 2, 3, 4]) expect(await listen(await at(n), 'state/**')).toEqual(['newer', 'newer']);
  });

  it('comes back from the brokers when the engine has lost it', async () => {
    await net.until((await at(1)).publish('state/a', 1, { persist: true }));
    await net.advance('1 s');
    net.engine.stop();
    await net.advance('1 s');
    net.engine.start({ empty: true });
    await net.advance('3 s');
    expect([...net.engine.entries.keys()]).toEqual(['state/a']);
    await net.broker({ name: 'broker-4', cluster: true });
    expect(await listen(await at(4), 'state/**')).toEqual([1]);
  });

  it('has no other store that lasts beside it', async () => {
    await expect(net.broker({ cluster: true, store: 'lmdb:unused' })).rejects.toThrow(TypeError);
  });
});

describe('a cluster in trouble', () => {
  it('goes on inside each broker while the engine is away, and between them when it is back', async () => {
    const [a, near, far] = [await at(1), await at(1), await at(2)];
    const lists = [await listen(near, 'x'), await listen(far, 'x')];
    net.engine.stop();
    await net.advance('1 s');
    await net.until(a.publish('x', 'away'));
    const late = await listen(near, 'y');
    net.engine.start();
    await net.advance('1 s');
    await net.until(a.publish('x', 'back'));
    await net.until(far.publish('y', 'back'));
    await net.advance('1 s');
    expect(lists).toEqual([['away', 'back'], ['back']]);
    expect(late).toEqual(['back']);
    expect(brokers[0]?.stats.cluster).toMatchObject({ dropped: 1 });
  });

  it('tells subscribers, when it is back, what was kept meanwhile', async () => {
    const [publisher, subscriber] = [await at(1), await at(2)];
    const heard = await listen(subscriber, 'state/**');
    net.engine.partition('broker-2');
    await net.advance('1 s');
    for (let n = 0; n < 3; n++) await net.until(publisher.publish(`state/${n}`, n, { persist: true }));
    expect(heard).toEqual([]);
    net.engine.heal();
    await net.advance('1 s');
    expect(heard).toEqual([0, 1, 2]);
  });

  it('does not hold up subscriptions while the engine is stuck', async () => {
    net.engine.stall(true);
    const client = await at(1);
    const heard = await listen(client, 'x');
    await net.until((await at(1)).publish('x', 1));
    await net.advance('1 s');
    expect(heard).toEqual([1]);
    net.engine.stall(false);
  });

  it('delivers what is published again at another broker once to each subscriber', async () => {
    const heard = await listen(await at(3), 'state/**');
    const live = await listen(await at(3), 'live/**');
    const publisher = net.prepare({ url: ['memory://broker-1', 'memory://broker-2'] });
    await net.until(publisher.connect());
    await net.until(publisher.publish('state/first', 0, { persist: true }));
    await net.until(publisher.publish('live/first', 0));
    await net.advance('1 s');
    const published = [
      publisher.publish('state/x', 1, { persist: true }),
      publisher.publish('live/x', 1),
      publisher.publish('state/y', 2, { persist: true }),
    ];
    // They have reached the broker, and it has passed them on; its answers are lost with it.
    await net.advance(45);
    const [first] = brokers;
    if (first !== undefined) await net.crash(first);
    for (const promise of published) await net.until(promise);
    await net.advance('5 s');
    expect(heard).toHaveLength(3);
    expect(new Set(heard)).toEqual(new Set([0, 1, 2]));
    expect(live).toEqual([0, 1]);
  });
});
