// What ours have beside each other - groups, one provider for a call, presence - with programs among them that know none of it.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, Message } from 'spoke';
import { Collector } from '../support/collector.js';
import type { IndependentClient } from '../support/independent-peer/index.js';
import { Scene } from './scene.js';

const scene = new Scene();
let broker: Broker;
let port: number;
let url: string;
let peers: IndependentClient[];
beforeEach(async () => {
  ({ broker, port, url } = await scene.broker());
  peers = [];
});
afterEach(async () => {
  // No mark of a group may have reached them.
  for (const { complaints, delivered } of peers) {
    expect(complaints).toEqual([]);
    expect(delivered.flatMap(({ head }) => Object.keys(head))).not.toContain('-group');
  }
  await scene.close();
});

async function theirs(): Promise<IndependentClient> {
  const peer = await scene.peer(port);
  peers.push(peer);
  return peer;
}

async function ours(): Promise<Client> {
  return (await scene.client(url)).client;
}

/** Clients of ours that are members of one group. */
async function members(count: number, pattern: string): Promise<{ clients: Client[]; got: Collector<unknown>[] }> {
  const [clients, got]: [Client[], Collector<unknown>[]] = [[], []];
  for (let n = 0; n < count; n++) {
    const client = await ours();
    const bodies = new Collector<unknown>(`jobs of member ${n}`);
    await client.subscribe(pattern, ({ body }: Message) => bodies.add(body), { group: 'workers' });
    clients.push(client);
    got.push(bodies);
  }
  return { clients, got };
}

const settled = async (clients: readonly Client[]) => Promise.all(clients.map(async (client) => client.flush()));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const inOrder = (got: readonly Collector<unknown>[]) =>
  got.flatMap(({ items }) => items).toSorted((a, b) => Number(a) - Number(b));

describe('An old program beside a group of ours', () => {
  it('gets everything, and takes nothing from it', async () => {
    const { clients, got } = await members(3, 'jobs/*');
    const peer = await theirs();
    const heard: unknown[] = [];
    await peer.subscribe('jobs/**', ({ body }) => heard.push(body));
    await peer.roundTrip();
    const publisher = await ours();
    for (let n = 0; n < 30; n++) await publisher.publish('jobs/print', n);
    await publisher.flush();
    await settled(clients);
    await peer.roundTrip();
    expect(heard).toEqual(upTo(30));
    expect(inOrder(got)).toEqual(upTo(30));
    expect(got.map(({ items }) => items.length)).toEqual([10, 10, 10]);
  });

  it('publishes to it, and each message goes to one member', async () => {
    const { clients, got } = await members(3, 'jobs/*');
    const peer = await theirs();
    for (let n = 0; n < 30; n++) await peer.publish('jobs/print', n);
    await peer.roundTrip();
    await settled(clients);
    expect(inOrder(got)).toEqual(upTo(30));
    expect(got.map(({ items }) => items.length)).toEqual([10, 10, 10]);
  });

  it('cannot put a message into it by a mark of its own making', async () => {
    const { clients, got } = await members(1, 'jobs/*');
    const peer = await scene.peer(port);
    await peer.publish('other', 1, { '-group': 'guessed/workers' });
    await peer.roundTrip();
    await settled(clients);
    expect(got[0]?.items).toEqual([]);
  });
});

describe('An old caller', () => {
  it('reaches exactly one of several providers of ours, in turn', async () => {
    const made = new Map<number, unknown[]>();
    for (let who = 0; who < 3; who++) {
      const provider = await ours();
      made.set(who, []);
      await provider.provide('app/double', (n: number) => {
        made.get(who)?.push(n);
        return n * 2;
      });
    }
    const peer = await theirs();
    for (let n = 0; n < 12; n++) expect(await peer.call('app/double', n)).toBe(n * 2);
    await peer.roundTrip();
    expect([...made.values()].flat().toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(12));
    expect([...made.values()].map(({ length }) => length)).toEqual([4, 4, 4]);
    // One answer for each call.
    expect(peer.delivered.filter(({ channel }) => channel.startsWith('app/double/-rpc/'))).toHaveLength(12);
  });

  it('reaches another one when a provider has gone', async () => {
    const [first, second] = [await ours(), await ours()];
    for (const [name, client] of Object.entries({ first, second })) await client.provide('app/who', () => name);
    const peer = await theirs();
    const answers = [await peer.call('app/who'), await peer.call('app/who')];
    expect(new Set(answers)).toEqual(new Set(['first', 'second']));
    await first.close();
    expect([await peer.call('app/who'), await peer.call('app/who')]).toEqual(['second', 'second']);
  });

  it('is answered by those of ours that are in no group all together, as by old ones', async () => {
    const made: number[] = [];
    const providers = [await ours(), await ours()];
    for (const [who, client] of providers.entries()) {
      await client.provide('app/all', () => void made.push(who), { group: false });
    }
    const peer = await theirs();
    await peer.call('app/all');
    await settled(providers);
    expect(made.toSorted((a, b) => a - b)).toEqual([0, 1]);
  });
});

describe('An old provider beside providers of ours', () => {
  let made: string[];
  let peer: IndependentClient;
  beforeEach(async () => {
    made = [];
    for (const name of ['a', 'b']) {
      const client = await ours();
      await client.provide('app/work', () => void made.push(name));
    }
    peer = await theirs();
    await peer.provide('app/work', () => void made.push('old'));
    await peer.roundTrip();
  });

  it.each(['ours', 'theirs'] as const)(
    'executes every call of %s, as before, and one of ours does too',
    async (kind) => {
      const caller = kind === 'ours' ? await ours() : await theirs();
      for (let n = 0; n < 6; n++) await caller.call('app/work', n);
      await peer.roundTrip();
      await settled([await ours()]);
      expect(made.filter((name) => name === 'old')).toHaveLength(6);
      expect(made.filter((name) => name !== 'old')).toHaveLength(6);
      expect(new Set(made)).toEqual(new Set(['a', 'b', 'old']));
    },
  );

  it('is enough for calls to be answered when it is the last one', async () => {
    await peer.provide('app/old', () => 'old');
    await peer.roundTrip();
    const caller = await ours();
    expect(await caller.call('app/old')).toBe('old');
    await peer.close();
    const error: unknown = await caller.call('app/old', 1, { timeout: 5000 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'NO_PROVIDER' });
  });

  it('fails its calls in flight when it is lost', async () => {
    const called = new Collector<unknown>('calls');
    // It never answers: its program hangs.
    await peer.subscribe('app/hang/-rpc/**/call', called.add);
    await peer.roundTrip();
    const caller = await ours();
    const outcome = caller.call('app/hang', 1, { timeout: 20_000 }).catch((reason: unknown) => reason);
    await called.next();
    peer.breakOff();
    expect(await outcome).toMatchObject({ code: 'PROVIDER_LOST' });
  });
});

describe('Presence', () => {
  it('lists old programs with what they subscribe to and provide', async () => {
    const viewer = await ours();
    const peer = await theirs();
    await peer.subscribe('app/*/said');
    await peer.provide('app/add', () => 3);
    await peer.roundTrip();
    const entries = await viewer.presence.list();
    expect(entries).toHaveLength(2);
    const entry = entries.find(({ provides }) => provides.includes('app/add'));
    expect(entry).toMatchObject({ address: expect.stringContaining('127.0.0.1'), provides: ['app/add'], groups: [] });
    expect(entry?.patterns).toContain('app/*/said');
    expect(entry).not.toHaveProperty('name');
    expect(broker.presence.list()).toEqual(entries);
  });

  it('tells when they come, change and leave', async () => {
    const viewer = await ours();
    const news = new Collector<{ joined: number; changed: readonly (readonly string[])[]; left: number }>('news');
    const stop = await viewer.presence.watch(({ joined, changed, left }) =>
      news.add({ joined: joined.length, changed: changed.map(({ patterns }) => patterns), left: left.length }),
    );
    const peer = await theirs();
    await peer.subscribe('app/x');
    await news.takeUntil(({ changed }) => changed.some((patterns) => patterns.includes('app/x')));
    peer.breakOff();
    await news.takeUntil(({ left }) => left === 1);
    await stop();
  });

  it('is nothing that they see', async () => {
    const peer = await theirs();
    await peer.subscribe('**');
    await peer.roundTrip();
    const viewer = await ours();
    const stop = await viewer.presence.watch(() => {});
    await members(1, 'jobs/*');
    await stop();
    await peer.roundTrip();
    expect(peer.delivered.filter(({ text }) => /presence|join|hello|workers/.test(text))).toEqual([]);
  });
});
