// The end of a client: everything that waits is told, and nothing is left.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SpokeError } from '../../../src/contracts/index.js';
import type { Client } from '../../../src/node/index.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import { refused } from '../../support/tap-transport.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { within } from '../../support/within.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

describe('closing a client', () => {
  it('sends what was published just before', async () => {
    await stage.broker();
    const a = await stage.raw();
    a.subscribe('x');
    await a.flush();
    const client = await stage.client();
    for (let n = 0; n < 1000; n++) void client.publish('x', n);
    await client.close();
    expect((await a.take(1000)).at(-1)?.body).toBe(999);
  });

  it('ends its connection in good order, and the broker forgets it', async () => {
    const broker = await stage.broker();
    const { client, tap } = await stage.join();
    await client.subscribe('x');
    await client.close();
    await clock.idle();
    expect(broker.stats).toMatchObject({ connections: 0, subscriptions: 0 });
    expect(tap.connections).toEqual([]);
  });

  it('is done once, tells closed once, and without an error', async () => {
    await stage.broker();
    const client = await stage.client();
    const states: unknown[] = [];
    client.on('state', (...told) => states.push(told));
    await Promise.all([client.close(), client.close()]);
    await client.close();
    await client[Symbol.asyncDispose]();
    expect(states).toEqual([['closed', undefined]]);
  });

  it('is possible before it was ever connected', async () => {
    const { client, tap } = stage.prepare();
    await client.close();
    expect(client.state).toBe('closed');
    await expect(client.connect()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(tap.attempts).toBe(0);
  });

  it('while it connects ends the attempt at once, and connect rejects', async () => {
    await stage.broker();
    const { client, tap } = stage.prepare();
    const asked: AbortSignal[] = [];
    tap.onConnect = async (signal) => {
      if (signal !== undefined) asked.push(signal);
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    };
    const connecting = client.connect();
    const outcome = connecting.catch((error: SpokeError) => error.code);
    await clock.idle();
    await within(client.close(), 'the end');
    expect(await outcome).toBe('CLOSED');
    expect(asked[0]?.aborted).toBe(true);
    expect(tap.connections).toEqual([]);
  });

  it('while it connects leaves no connection of a transport that is too late to notice', async () => {
    const broker = await stage.broker();
    const { client, tap } = stage.prepare();
    let goOn = (): void => {};
    tap.onConnect = async () => new Promise<void>((resolve) => (goOn = resolve));
    const outcome = client.connect().catch((error: SpokeError) => error.code);
    await clock.idle();
    const closed = client.close();
    goOn();
    await clock.idle();
    await within(closed, 'the end');
    expect(await outcome).toBe('CLOSED');
    await clock.idle();
    expect(broker.stats.connections).toBe(0);
    expect(tap.connections).toEqual([]);
  });

  it('between two attempts ends the waiting', async () => {
    const { client, tap } = stage.prepare({ reconnect: { minDelay: 60_000, maxDelay: 60_000 } });
    tap.refuse = refused();
    const outcome = client.connect().catch((error: SpokeError) => error.code);
    await clock.idle();
    expect(clock.timers).toBe(1);
    await within(client.close(), 'the end');
    expect(await outcome).toBe('CLOSED');
    expect(clock.timers).toBe(0);
  });

  it('tells everything that waits', async () => {
    const { client } = stage.prepare();
    const waiting: Record<string, Promise<unknown>> = {
      publish: client.publish('x'),
      subscribe: client.subscribe('x'),
      flush: client.flush(),
      call: client.call('x'),
      provide: client.provide('x', () => 1),
    };
    const iterator = client.messages('x');
    const reading = iterator.next();
    const results = Promise.all(
      Object.entries(waiting).map(async ([name, promise]) => [
        name,
        await promise.then(
          () => 'done',
          (error: SpokeError) => error.code,
        ),
      ]),
    );
    await clock.idle();
    await client.close();
    expect(await within(results, 'all the ends')).toEqual(Object.keys(waiting).map((name) => [name, 'CLOSED']));
    expect(await reading).toMatchObject({ done: true });
  });

  it('refuses everything after it', async () => {
    await stage.broker();
    const client = await stage.client();
    await client.close();
    const uses: ((client: Client) => Promise<unknown>)[] = [
      async (one) => one.publish('x'),
      async (one) => one.subscribe('x'),
      async (one) => one.messages('x').next(),
      async (one) => one.flush(),
      async (one) => one.connect(),
      async (one) => one.call('x'),
      async (one) => one.provide('x', () => 1),
    ];
    for (const use of uses) await expect(use(client)).rejects.toMatchObject({ code: 'CLOSED' });
    await clock.idle();
    expect(clock.timers).toBe(0);
  });

  it('does not wait for ever for a broker that takes nothing', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const { connection } = tap;
    connection.stallWriting();
    // Nor does this connection come to an end in good order.
    connection.close = () => {};
    void client.publish('x', 1);
    const closed = client.close();
    await clock.advance(1000);
    await within(closed, 'the end');
    expect(tap.connections).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('from within a handler is as good as from anywhere', async () => {
    await stage.broker();
    const client = await stage.client();
    const seen: unknown[] = [];
    let resolve = (): void => {};
    const closed = new Promise<void>((done) => (resolve = done));
    await client.subscribe('x', async (message) => {
      seen.push(message.body);
      await client.close();
      resolve();
    });
    for (let n = 0; n < 5; n++) void client.publish('x', n);
    await within(closed, 'the end');
    expect(seen).toEqual([0]);
  });

  it('leaves neither timers nor subscriptions, whatever was going on', async () => {
    const broker = await stage.broker();
    const { client, tap } = await stage.join({ heartbeat: 1000 });
    const { signal } = new AbortController();
    await client.subscribe('a', () => {}, { signal });
    await client.provide('b', () => new Promise<never>(() => {}));
    const calls = [client.call('b', 1), client.call('nobody', 1)].map(async (call) => call.catch(() => undefined));
    await client.flush();
    tap.connection.cut();
    await clock.idle();
    void client.flush({ timeout: 5000 }).catch(() => undefined);
    void client.publish('x', 1, { signal }).catch(() => undefined);
    await client.close();
    await within(Promise.all(calls), 'the calls');
    await clock.idle();
    expect(clock.timers).toBe(0);
    expect(broker.stats).toMatchObject({ connections: 0, subscriptions: 0 });
  });
});
