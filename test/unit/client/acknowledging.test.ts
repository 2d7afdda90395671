// Publishes that resolve when the broker has answered, whatever happens in between.

import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import type { SpokeError } from '../../../src/contracts/index.js';
import { SpokeError as Failure } from '../../../src/contracts/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/network/index.js';
import { memoryNetwork } from '../../../src/testing/network/index.js';
import { SlowStore } from '../../support/slow-store.js';

let net: MemoryNetwork;
beforeEach(() => {
  net = memoryNetwork({ seed: 11 });
});
afterEach(async () => net.close());

/** What a promise comes to, once it does. */
function outcomeOf(promise: Promise<unknown>) {
  const outcome: { result?: string; error?: SpokeError } = {};
  promise.then(
    () => (outcome.result = 'done'),
    (error: SpokeError) => Object.assign(outcome, { result: error.code, error }),
  );
  return outcome;
}

/** Everything that a subscriber of its own gets on `pattern` from now on. */
async function bodiesOn(pattern: string, to?: Broker): Promise<unknown[]> {
  const client = await net.client(to === undefined ? {} : { to });
  const bodies: unknown[] = [];
  await net.until(client.subscribe(pattern, ({ body }) => bodies.push(body)));
  return bodies;
}

const kept = { persist: true };

describe('a persistent message', () => {
  it('resolves when it is durable, not when it was written', async () => {
    const store = new SlowStore();
    await net.broker({ store });
    const client = await net.client();
    const outcome = outcomeOf(client.publish('x', 1, kept));
    await net.advance('1 s');
    expect(outcome.result).toBeUndefined();
    store.flush();
    await net.idle();
    expect(outcome.result).toBe('done');
  });

  it('resolves when it was written, if that is all one wants', async () => {
    await net.broker({ store: new SlowStore() });
    const client = await net.client();
    await client.publish('x', 1, { ...kept, ack: false });
  });

  it('rejects with the reason when it is refused, and that is no event', async () => {
    await net.broker({ limits: { keptMessages: 1 } });
    const client = await net.client();
    const events: string[] = [];
    client.on('error', ({ code }) => events.push(code));
    const outcomes = ['a', 'b', 'a'].map((channel) => outcomeOf(client.publish(channel, 1, kept)));
    await net.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'LIMIT_EXCEEDED', 'done']);
    expect(outcomes[1]?.error?.message).toContain('limits.keptMessages');
    expect(outcomes[1]?.error?.details).toMatchObject({ channel: 'b', url: client.url });
    expect(events).toEqual([]);
  });

  it('rejects when the disk took it not', async () => {
    const store = new SlowStore();
    await net.broker({ store });
    const client = await net.client();
    const outcome = outcomeOf(client.publish('x', 1, kept));
    await net.idle();
    store.fail(new Failure('STORE_FAILED', 'disk full'));
    await net.idle();
    expect(outcome.result).toBe('STORE_FAILED');
  });

  it('rejects when the broker could not even read it', async () => {
    await net.broker({ limits: { messageBytes: 1000 } });
    const client = await net.client();
    const events: string[] = [];
    client.on('error', ({ code }) => events.push(code));
    const outcomes = [10, 2000, 10].map((size) => outcomeOf(client.publish('x', 'x'.repeat(size), kept)));
    await net.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'LIMIT_EXCEEDED', 'done']);
    expect(events).toEqual(['LIMIT_EXCEEDED']);
  });
});

describe('any message', () => {
  it('may ask for an answer: it was passed on', async () => {
    await net.broker();
    const bodies = await bodiesOn('x');
    const client = await net.client();
    const outcome = outcomeOf(client.publish('x', 1, { ack: true }));
    await net.idle();
    expect([outcome.result, bodies]).toEqual(['done', [1]]);
  });
});

describe('a connection that is lost', () => {
  it('between writing and the answer has the message sent again, and applied once', async () => {
    const store = new SlowStore();
    const broker = await net.broker({ store });
    const bodies = await bodiesOn('x');
    const client = await net.client();
    const outcomes = [1, 2, 3].map((n) => outcomeOf(client.publish('x', n, kept)));
    await net.idle();
    net.cut(client, broker);
    await net.advance('10 s');
    expect(client.state).toBe('connected');
    expect(outcomes.map(({ result }) => result)).toEqual([undefined, undefined, undefined]);
    store.flush();
    await net.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'done', 'done']);
    expect(bodies).toEqual([1, 2, 3]);
    expect(broker.stats.repeated).toBe(3);
  });

  it('before the broker got it is no loss either, and the order stays', async () => {
    const broker = await net.broker();
    const bodies = await bodiesOn('x');
    const client = await net.client();
    net.partition([client], [broker]);
    const outcomes = [1, 2, 3].map((n) => outcomeOf(client.publish('x', n, n === 2 ? { ack: true } : kept)));
    await net.advance('1 s');
    net.cut(client, broker);
    await net.idle();
    outcomes.push(outcomeOf(client.publish('x', 4)), outcomeOf(client.publish('x', 5, kept)));
    net.heal();
    await net.advance('30 s');
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(bodies).toEqual([1, 2, 3, 4, 5]);
  });

  it('with the broker, which is started again on its disk, loses nothing and doubles nothing', async () => {
    const store = new SlowStore();
    const broker = await net.broker({ name: 'b', store });
    const client = await net.client();
    const outcomes = [1, 2, 3].map((n) => outcomeOf(client.publish(`x/${n}`, n, kept)));
    await net.idle();
    store.flush();
    outcomes.push(outcomeOf(client.publish('x/4', 4, kept)));
    await net.idle();
    const rest = store.afterPowerCut();
    await net.crash(broker);
    const again = await net.broker({ name: 'b', store: rest });
    await net.advance('10 s');
    const bodies = await bodiesOn('x/*', again);
    rest.flush();
    await net.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'done', 'done', 'done']);
    expect(bodies).toEqual([1, 2, 3, 4]);
    // One to three were known to be there.
    expect(again.stats.repeated).toBeLessThanOrEqual(3);
    expect(again.stats.kept.messages).toBe(4);
  });

  it('for good rejects what waits', async () => {
    const broker = await net.broker({ store: new SlowStore() });
    const client = await net.client({ reconnect: false });
    const outcome = outcomeOf(client.publish('x', 1, kept));
    await net.idle();
    net.cut(client, broker);
    await net.idle();
    expect([client.state, outcome.result]).toEqual(['closed', 'CONNECTION_LOST']);
  });
});

describe('publishing before it is known what the broker can', () => {
  it('waits for its answer as later', async () => {
    await net.broker();
    const client = net.prepare();
    const outcomes = [kept, { ack: true }, {}].map((options) => outcomeOf(client.publish('x', 1, options)));
    await net.idle();
    expect(outcomes.map(({ result }) => result)).toEqual([undefined, undefined, undefined]);
    await net.until(client.connect());
    await net.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'done', 'done']);
  });
});

describe('aborting', () => {
  it('before there is a connection takes the message back', async () => {
    await net.broker();
    const bodies = await bodiesOn('x');
    const client = net.prepare();
    const abort = new AbortController();
    const outcome = outcomeOf(client.publish('x', 1, { ...kept, signal: abort.signal }));
    abort.abort();
    await net.idle();
    expect(outcome.result).toBe('ABORTED');
    await net.until(client.connect());
    await net.until(client.publish('x', 2, kept));
    expect(bodies).toEqual([2]);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  it('later ends the waiting, and the message is not sent again', async () => {
    const store = new SlowStore();
    const broker = await net.broker({ store });
    const client = await net.client();
    const abort = new AbortController();
    const outcome = outcomeOf(client.publish('x', 1, { ...kept, signal: abort.signal }));
    await net.idle();
    abort.abort();
    await net.idle();
    expect(outcome.result).toBe('ABORTED');
    net.cut(client, broker);
    await net.advance('10 s');
    expect(broker.stats.repeated).toBe(0);
    store.flush();
    await net.idle();
  });
});

describe('closing', () => {
  it('waits for answers that come soon', async () => {
    const store = new SlowStore();
    await net.broker({ store });
    const client = await net.client();
    const outcome = outcomeOf(client.publish('x', 1, kept));
    const closed = outcomeOf(client.close());
    await net.idle();
    expect(closed.result).toBeUndefined();
    await expect(client.publish('y', 1)).rejects.toMatchObject({ code: 'CLOSED' });
    store.flush();
    await net.idle();
    expect([outcome.result, closed.result, client.state]).toEqual(['done', 'done', 'closed']);
  });

  it('rejects those that do not', async () => {
    await net.broker({ store: new SlowStore() });
    const client = await net.client();
    const outcome = outcomeOf(client.publish('x', 1, kept));
    await net.until(client.close());
    expect(outcome.result).toBe('CLOSED');
  });

  it('does not wait when there is no connection, or none any more', async () => {
    const broker = await net.broker({ store: new SlowStore() });
    const client = await net.client();
    const outcome = outcomeOf(client.publish('x', 1, kept));
    const closed = outcomeOf(client.close());
    net.cut(client, broker);
    await net.idle();
    expect([outcome.result, closed.result]).toEqual(['CLOSED', 'done']);
    const other = net.prepare();
    const waiting = outcomeOf(other.publish('x', 1, kept));
    await other.close();
    await net.idle();
    expect(waiting.result).toBe('CLOSED');
  });
});

it('what waits for answers is bounded', async () => {
  const store = new SlowStore();
  await net.broker({ store });
  const client = await net.client({ limits: { offlineBytes: 10_000 } });
  const outcomes = Array.from({ length: 12 }, () => outcomeOf(client.publish('x', 'x'.repeat(900), kept)));
  await net.idle();
  expect(outcomes.map(({ result }) => result)).toEqual([...Array(10).fill(undefined), 'QUEUE_FULL', 'QUEUE_FULL']);
  store.flush();
  await net.idle();
  expect(outcomes.filter(({ result }) => result === 'done')).toHaveLength(10);
  const again = outcomeOf(client.publish('x', 1, kept));
  await net.idle();
  store.flush();
  await net.idle();
  expect(again.result).toBe('done');
});

describe('through any number of lost connections and power cuts', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'every message that was answered is there, once, and in order (seed %d)',
    async (seed) => {
      net = memoryNetwork({ seed, latency: [1, 20] });
      let store = new SlowStore();
      let broker = await net.broker({ name: 'b', store });
      const writer: Client = await net.client();
      const answered: number[] = [];
      const published: Promise<unknown>[] = [];
      // Deterministic, and other than the network's own.
      let state = seed * 7919;
      const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
      for (let n = 1; n <= 300; n++) {
        published.push(writer.publish(`log/${n}`, n, kept).then(() => answered.push(n)));
        if (random(3) === 0) await net.advance(random(15));
        if (random(4) === 0) store.flush();
        if (random(40) === 0) net.cut(writer, broker);
        if (random(60) === 0) {
          const rest = store.afterPowerCut();
          const before = [...answered];
          await net.crash(broker);
          store = rest;
          broker = await net.broker({ name: 'b', store });
          const there = new Set(store.match('log/*').map(({ channel }) => Number(channel.slice(4))));
          expect(before.filter((one) => !there.has(one))).toEqual([]);
        }
      }
      for (let round = 0; round < 20; round++) {
        await net.advance('2 s');
        store.flush();
      }
      await net.until(Promise.all(published));
      const kept300 = store.match('log/*').map(({ channel }) => Number(channel.slice(4)));
      expect(kept300).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
      // A value that was applied twice would have been put twice.
      const times = store.match('log/*').map(({ time }) => time);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
    },
  );
});
