// Who is connected to any broker of a cluster, as programs see it; and what becomes of last wills.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, PresenceEntry, PresenceNews } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

let net: MemoryNetwork;
let brokers: Broker[];

beforeEach(async () => {
  net = memoryNetwork({ seed: 9, latency: [1, 20] });
  brokers = [];
  for (let n = 1; n <= 3; n++) brokers.push(await net.broker({ name: `broker-${n}`, cluster: true }));
});

afterEach(async () => {
  await net.close();
});

const at = (n: number, name: string): Promise<Client> => net.client({ to: `broker-${n}`, name, about: { name } });

async function crash(n: number): Promise<void> {
  const broker = brokers[n - 1];
  if (broker !== undefined) await net.crash(broker);
}

const namesOf = (entries: readonly PresenceEntry[]): string[] => entries.map(({ name = '?' }) => name).sort();

/** What a watcher believes. */
async function watch(client: Client) {
  const believed = new Map<string, PresenceEntry>();
  const events: string[] = [];
  const stop = await net.until(
    client.presence.watch(({ joined, changed, left }: PresenceNews) => {
      for (const entry of joined) events.push(`+${entry.name ?? ''}`);
      for (const entry of changed) events.push(`*${entry.name ?? ''}`);
      for (const id of left) events.push(`-${believed.get(id)?.name ?? id}`);
      for (const entry of [...joined, ...changed]) believed.set(entry.id, entry);
      for (const id of left) believed.delete(id);
    }),
  );
  const names = (): string[] => namesOf([...believed.values()]);
  return { names, events, stop };
}

describe('presence in a cluster', () => {
  it('lists who is connected to any broker, with what they want and provide', async () => {
    const [a, b] = [await at(1, 'a'), await at(2, 'b')];
    await at(3, 'c');
    await net.until(b.subscribe('poses/*'));
    await net.until(b.provide('square', (x: number) => x * x));
    await net.advance('1 s');
    const list = await net.until(a.presence.list());
    expect(namesOf(list)).toEqual(['a', 'b', 'c']);
    expect(list.find(({ name }) => name === 'b')).toMatchObject({ provides: ['square'] });
    expect(new Set(list.map(({ id }) => id)).size).toBe(3);
    expect(namesOf(brokers[0]?.presence.list() ?? [])).toEqual(['a']);
  });

  it('lists thousands, each once', async () => {
    const names = Array.from({ length: 700 }, (_, n) => `client-${String(n).padStart(4, '0')}`);
    for (const [n, name] of names.entries()) await at(1 + (n % 3), name);
    const viewer = await at(1, 'viewer');
    // A client says who it is when it knows that its broker wants to hear it.
    await net.advance('1 s');
    const list = await net.until(viewer.presence.list());
    expect(namesOf(list)).toEqual([...names, 'viewer'].sort());
    const entries = { about: { name: 'wide', meta: 'x'.repeat(3000) } };
    for (let n = 0; n < 100; n++) await net.client({ to: 'broker-2', ...entries });
    expect(await net.until((await at(3, 'other')).presence.list())).toHaveLength(802);
  }, 60_000);

  it('tells a watcher who comes, changes and leaves, at any broker', async () => {
    const [watcher, b] = [await at(1, 'watcher'), await at(2, 'b')];
    const { events, names, stop } = await watch(watcher);
    expect(events.splice(0).sort()).toEqual(['+b', '+watcher']);
    const c = await at(3, 'c');
    await net.advance('1 s');
    expect(names()).toEqual(['b', 'c', 'watcher']);
    events.length = 0;
    await net.until(b.subscribe('x'));
    await net.advance('1 s');
    await net.until(c.close());
    await net.advance('1 s');
    expect(events).toEqual(['*b', '-c']);
    await net.until(stop());
    await net.until(b.close());
    await net.advance('1 s');
    expect(events).toEqual(['*b', '-c']);
  });

  it('tells a watcher that the clients of a broker that has left or died have gone, and where they come again', async () => {
    const watcher = await at(1, 'watcher');
    const { names, events } = await watch(watcher);
    for (const n of [2, 3]) {
      const client = net.prepare({
        url: [`memory://broker-${n}`, 'memory://broker-1'],
        about: { name: `mobile-${n}` },
      });
      await net.until(client.connect());
    }
    await net.advance('1 s');
    expect(names()).toEqual(['mobile-2', 'mobile-3', 'watcher']);
    await crash(2);
    await net.until(brokers[2]?.close() ?? Promise.resolve());
    await net.advance('10 s');
    expect(names()).toEqual(['mobile-2', 'mobile-3', 'watcher']);
    expect(events.filter((event) => event.startsWith('-')).sort()).toEqual(['-mobile-2', '-mobile-3']);
    expect(namesOf(await net.until(watcher.presence.list()))).toEqual(['mobile-2', 'mobile-3', 'watcher']);
  });

  it('tells a watcher of a broker that joins, and of what it missed while the engine was away', async () => {
    const watcher = await at(1, 'watcher');
    const leaves = await at(2, 'leaves');
    await at(2, 'stays');
    const { names } = await watch(watcher);
    await net.broker({ name: 'broker-4', cluster: true });
    await at(4, 'fourth');
    await net.advance('1 s');
    expect(names()).toEqual(['fourth', 'leaves', 'stays', 'watcher']);
    for (const away of [1000, 20_000]) {
      net.engine.stop();
      await net.advance(100);
      if (away === 1000) await net.until(leaves.close());
      else await at(3, 'came');
      await net.advance(away);
      net.engine.start();
      await net.advance('2 s');
    }
    expect(names()).toEqual(['came', 'fourth', 'stays', 'watcher']);
  });

  it('asks nothing of other brokers when nobody watches', async () => {
    await at(2, 'b');
    await net.advance('1 s');
    const { stop } = await watch(await at(1, 'watcher'));
    await net.until(stop());
    await net.advance('1 s');
    const events = await watch(await at(3, 'second'));
    expect(events.names()).toEqual(['b', 'second', 'watcher']);
  });
});

describe('the last will of a client in a cluster', () => {
  it('is published to all brokers when the client is lost, and not when its broker is killed', async () => {
    const heard: unknown[] = [];
    await net.until((await at(1, 'viewer')).subscribe('status/*', ({ body }) => void heard.push(body)));
    for (const [n, name] of [
      [2, 'lost'],
      [3, 'killed'],
    ] as const) {
      await net.client({ to: `broker-${n}`, name, will: { channel: `status/${name}`, body: name } });
    }
    net.cut('lost', 'broker-2');
    await net.advance('1 s');
    await crash(3);
    await net.advance('10 s');
    expect(heard).toEqual(['lost']);
  });
});
