// Publish and subscribe: the same on every network.

import { expect, it } from '@jest/globals';

import type { Message } from '../../src/client/index.js';
import type { Client } from '../../src/node/index.js';
import { Collector } from '../support/collector.js';
import { within } from '../support/within.js';
import { onEveryNetwork } from './networks.js';

async function collect(client: Client, pattern: string): Promise<Collector<Message>> {
  const messages = new Collector<Message>(`messages of ${pattern}`);
  await client.subscribe(pattern, messages.add);
  return messages;
}

const bodies = (messages: readonly Message[]) => messages.map((message) => message.body);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

onEveryNetwork((stage) => {
  it('a message reaches all who subscribed to it, and nobody else', async () => {
    await stage().broker();
    const [a, b, c] = [await stage().client(), await stage().client(), await stage().client()];
    const [one, two, other] = [await collect(a, 'robot/*/pose'), await collect(b, '**'), await collect(c, 'robot/1')];
    await c.publish('robot/1/pose', { x: 1.5, list: [null, true, 'ä\0😀'] });
    const message = await one.next();
    expect(message).toMatchObject({ channel: 'robot/1/pose', body: { x: 1.5, list: [null, true, 'ä\0😀'] } });
    expect(Math.abs((message.time ?? 0) - Date.now() / 1000)).toBeLessThan(60);
    const seen = await two.takeUntil(({ channel }) => channel === 'robot/1/pose');
    expect(seen.at(-1)?.body).toEqual(message.body);
    await c.flush();
    expect(other.items).toEqual([]);
  });

  it('a connection gets one copy, its sender none with bounce: false, and the order stays', async () => {
    await stage().broker();
    const [a, b] = [await stage().client(), await stage().client()];
    const all = [await collect(a, 'x/*'), await collect(a, 'x/**'), await collect(b, '**')];
    for (const n of upTo(300)) void a.publish(`x/${n % 3}`, n, { bounce: false });
    void a.publish('x/end', 'end');
    expect(bodies(await all[0]!.take(1))).toEqual(['end']);
    expect(bodies(await all[1]!.take(1))).toEqual(['end']);
    const seen = await all[2]!.takeUntil((message) => message.body === 'end');
    expect(bodies(seen.filter(({ channel }) => channel.startsWith('x/')))).toEqual([...upTo(300), 'end']);
  });

  it('big and small messages of several publishers arrive whole, each publisher in its order', async () => {
    await stage().broker();
    const reader = await collect(await stage().client(), 'p/*');
    const publishers = [await stage().client(), await stage().client(), await stage().client()];
    for (const n of upTo(40)) {
      for (const [p, publisher] of publishers.entries()) {
        const size = [1, 1000, 70_000][(n + p) % 3] ?? 1;
        void publisher.publish(`p/${p}`, { n, text: String(p).repeat(size) });
      }
    }
    const messages = await reader.take(120);
    for (const p of publishers.keys()) {
      const own = messages
        .filter(({ channel }) => channel === `p/${p}`)
        .map(({ body }) => body as { n: number; text: string });
      expect(own.map(({ n }) => n)).toEqual(upTo(40));
      expect(own.every(({ n, text }) => text === String(p).repeat([1, 1000, 70_000][(n + p) % 3] ?? 1))).toBe(true);
    }
  });

  it('a message of more than a megabyte arrives', async () => {
    await stage().broker();
    const [a, b] = [await stage().client(), await stage().client()];
    const messages = await collect(a, 'big');
    const text = 'ab\u00e4"\\'.repeat(200_000);
    await b.publish('big', text);
    expect((await messages.next()).body === text).toBe(true);
  });

  it('an unsubscribed handler gets nothing, others on the same pattern go on', async () => {
    await stage().broker();
    const client = await stage().client();
    const seen: string[] = [];
    const first = await client.subscribe('x', () => seen.push('first'));
    await client.subscribe('x', () => seen.push('second'));
    await first.unsubscribe();
    await client.publish('x');
    await client.flush();
    expect(seen).toEqual(['second']);
  });

  it('messages can be read as an async iterator, which unsubscribes when it is left', async () => {
    const broker = await stage().broker();
    const [a, b] = [await stage().client(), await stage().client()];
    const seen: unknown[] = [];
    const done = (async () => {
      for await (const message of a.messages('x')) {
        seen.push(message.body);
        if (seen.length === 3) break;
      }
    })();
    await a.flush();
    for (const n of upTo(5)) void b.publish('x', n);
    await within(done, 'the end of the loop');
    await a.flush();
    expect(seen).toEqual([0, 1, 2]);
    expect(broker.stats.subscriptions).toBe(0);
  });

  it('control messages are seen by a subscriber of **', async () => {
    await stage().broker();
    const monitor = await collect(await stage().client(), '**');
    const client = await stage().client();
    const subscription = await client.subscribe('x/y', () => {});
    await subscription.unsubscribe();
    await client.publish('end');
    const seen = await monitor.takeUntil(({ channel }) => channel === 'end');
    expect(seen.map(({ channel, body }) => `${channel} ${String(body)}`)).toEqual(
      expect.arrayContaining(['-control/subscribe x/y', '-control/unsubscribe x/y']),
    );
  });

  it('the last values of channels come to a new subscriber, in the order in which they were first kept', async () => {
    await stage().broker();
    const publisher = await stage().client();
    for (const [channel, body] of [
      ['b', 1],
      ['a', 1],
      ['c', 1],
      ['b', 2],
    ] as const) {
      await publisher.publish(`kept/${channel}`, body, { persist: true });
    }
    await publisher.publish('kept/a', 'older', { persist: true, time: 1 });
    await publisher.flush();
    const messages = await collect(await stage().client(), 'kept/*');
    expect(messages.items.map(({ channel, body, persist }) => [channel, body, persist])).toEqual([
      ['kept/b', 2, true],
      ['kept/a', 1, true],
      ['kept/c', 1, true],
    ]);
  });

  it('a burst of updates of one channel arrives in full, whatever the clock does', async () => {
    await stage().broker();
    const [a, b] = [await stage().client(), await stage().client()];
    const messages = await collect(a, 'x');
    for (const n of upTo(500)) void b.publish('x', n, { persist: true });
    expect(bodies(await messages.take(500))).toEqual(upTo(500));
  });

  it('thousands of kept messages are there when subscribe resolves, and live ones come between', async () => {
    await stage().broker();
    const [a, b] = [await stage().client(), await stage().client()];
    for (const n of upTo(6000)) void b.publish(`k/${n}`, n, { persist: true });
    await b.flush();
    const messages = new Collector<Message>();
    const subscribed = a.subscribe('k/*', messages.add);
    for (const n of upTo(60)) void b.publish(`k/${n * 100}`, `new ${n}`, { persist: true });
    await subscribed;
    await b.flush();
    await a.flush();
    const last = new Map(messages.items.map(({ channel, body }) => [channel, body]));
    expect(last.size).toBe(6000);
    for (const n of upTo(6000)) {
      const expected = n % 100 === 0 ? `new ${n / 100}` : n;
      if (last.get(`k/${n}`) !== expected) throw new Error(`k/${n} ended with ${String(last.get(`k/${n}`))}`);
    }
  });

  it('what the broker refuses is told to its sender alone', async () => {
    await stage().broker({ limits: { channelDepth: 5 } });
    const { client, errors } = await stage().join();
    const other = await stage().join();
    await client.publish('x', 1, { time: Date.now() / 1000 + 3600 });
    await client.publish('a/b/c/d/e/f', 1);
    await expect(client.subscribe('a/b/c/d/e/f')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await client.flush();
    expect(errors.items.map(({ code }) => code)).toEqual(['TIME_INVALID', 'LIMIT_EXCEEDED']);
    expect(other.errors.items).toEqual([]);
  });

  it('an iterator ends with the refusal of its pattern', async () => {
    await stage().broker({ limits: { channelDepth: 5 } });
    const client = await stage().client();
    await expect(client.messages('a/b/c/d/e/f').next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('raw bytes of JSON pass untouched', async () => {
    await stage().broker();
    const [a, b] = [await stage().raw(), await stage().raw()];
    a.subscribe('x');
    await a.flush();
    for (const body of ['12345678901234567890', '1.0', '{"b": 1, "a": [2,  3]}', '"\\u00e4\\/"']) {
      b.publish('x', body);
      const frame = await a.frames.next();
      expect(frame.slice(frame.indexOf('"body": ') + 8, -1)).toBe(body);
    }
  });
});
