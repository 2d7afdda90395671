// Handlers, iterators and subscription objects, and what outlives a connection.

import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Message, Subscription } from '../../../src/client/index.js';
import type { SpokeError } from '../../../src/contracts/index.js';
import type { Client } from '../../../src/node/index.js';
import type { RawConnection } from '../../support/raw-connection.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';
import { within } from '../../support/within.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

/** The control messages that everybody sends. */
async function monitor(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.subscribe('-control/**');
  await raw.flush();
  await clock.idle();
  raw.frames.items.length = 0;
  return raw;
}

const controls = (raw: RawConnection) =>
  raw.frames.items.map((frame) => JSON.parse(frame)).map(({ head, body }) => `${head.channel.slice(9)} ${body}`);

function outcomeOf(promise: Promise<unknown>) {
  const outcome: { result?: string } = {};
  promise.then(
    () => (outcome.result = 'done'),
    (error: SpokeError) => (outcome.result = error.code),
  );
  return outcome;
}

async function collect(client: Client, pattern: string): Promise<{ subscription: Subscription; bodies: unknown[] }> {
  const bodies: unknown[] = [];
  const subscription = await client.subscribe(pattern, (message) => bodies.push(message.body));
  return { subscription, bodies };
}

describe('subscribing', () => {
  it('has taken effect when its promise resolves, kept messages included', async () => {
    await stage.broker();
    const [a, b] = [await stage.client(), await stage.client()];
    await b.publish('x/kept', 'kept', { persist: true });
    await b.flush();
    const { bodies } = await collect(a, 'x/*');
    expect(bodies).toEqual(['kept']);
    await b.publish('x/live', 'live');
    await b.flush();
    await a.flush();
    expect(bodies).toEqual(['kept', 'live']);
  });

  it('is complete when its promise resolves, also with very many kept messages', async () => {
    await stage.broker();
    const [a, b] = [await stage.client(), await stage.client()];
    for (let n = 0; n < 10_000; n++) void b.publish(`k/${n}`, n, { persist: true });
    await b.flush();
    const { bodies } = await collect(a, 'k/*');
    expect(bodies).toHaveLength(10_000);
  });

  it('gives a message with its channel, body, time and head', async () => {
    await stage.broker();
    const [a, b] = [await stage.client(), await stage.client()];
    const messages: Message[] = [];
    await a.subscribe('x/*', (message) => messages.push(message));
    await b.publish('/x//1/', { n: 1 }, { head: { trace: 't' }, persist: true });
    await b.flush();
    await a.flush();
    const time = clock.now() / 1000;
    expect(messages[0]).toMatchObject({ channel: 'x/1', body: { n: 1 }, time, persist: true });
    expect(messages[0]?.head).toEqual({ channel: 'x/1', trace: 't', persist: true, time });
  });

  it('is possible before the client is connected, and waits for it', async () => {
    const { client } = stage.prepare();
    const bodies: unknown[] = [];
    const outcome = outcomeOf(client.subscribe('x', (message) => bodies.push(message.body)));
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    await stage.broker();
    await client.connect();
    await clock.idle();
    expect(outcome.result).toBe('done');
    await client.publish('x', 1);
    await client.flush();
    expect(bodies).toEqual([1]);
  });

  it('to what the broker forbids rejects with its code, and the client is as it was', async () => {
    await stage.broker({
      authorizer: { allows: (_, action, target) => action === 'publish' || target !== 'secret/**' },
    });
    const { client, errors } = await stage.join();
    await expect(client.subscribe('secret/**')).rejects.toMatchObject({
      code: 'FORBIDDEN',
      details: { url: stage.url },
    });
    expect(errors.items).toEqual([]);
    const { bodies } = await collect(client, 'public');
    await client.publish('public', 1);
    await client.flush();
    expect(bodies).toEqual([1]);
  });

  it('to what is over a limit of the broker rejects with LIMIT_EXCEEDED', async () => {
    await stage.broker({ limits: { subscriptions: 2 } });
    const { client, errors } = await stage.join();
    await client.subscribe('a');
    await client.subscribe('b');
    const outcomes = [
      outcomeOf(client.subscribe('a')),
      outcomeOf(client.subscribe('c')),
      outcomeOf(client.subscribe('d')),
    ];
    await client.flush();
    await clock.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['done', 'LIMIT_EXCEEDED', 'LIMIT_EXCEEDED']);
    expect(errors.items).toEqual([]);
  });

  it('that is refused after a reconnect is told by an error event', async () => {
    let allowed = true;
    await stage.broker({ authorizer: { allows: (_, action) => action === 'publish' || allowed } });
    const { client, tap, errors } = await stage.join();
    await client.subscribe('x', () => {});
    allowed = false;
    tap.connection.cut();
    await clock.advance(50);
    expect(client.state).toBe('connected');
    expect(errors.items).toMatchObject([{ code: 'FORBIDDEN' }]);
  });

  it.each([
    ['a pattern that is no text', 5 as unknown as string, undefined],
    ['a handler that is no function', 'x', 'handler' as unknown as () => void],
  ])('with %s is a TypeError', async (_, pattern, handler) => {
    const { client } = stage.prepare();
    await expect(client.subscribe(pattern, handler)).rejects.toThrow(TypeError);
  });
});

describe('several subscriptions of one client', () => {
  it('to one pattern are one for the broker, and each has an end of its own', async () => {
    await stage.broker();
    const seen = await monitor();
    const client = await stage.client();
    const one = await collect(client, 'x/*');
    const two = await collect(client, '/x//*');
    expect(one.subscription).not.toBe(two.subscription);
    await client.publish('x/1', 1);
    await client.flush();
    await one.subscription.unsubscribe();
    await one.subscription.unsubscribe();
    await client.publish('x/1', 2);
    await client.flush();
    expect([one.bodies, two.bodies]).toEqual([[1], [1, 2]]);
    expect([one.subscription.ended, two.subscription.ended]).toEqual([true, false]);
    await two.subscription.unsubscribe();
    await client.publish('x/1', 3);
    await client.flush();
    expect(two.bodies).toEqual([1, 2]);
    await clock.idle();
    expect(controls(seen)).toEqual(['subscribe x/*', 'subscribe x/*', 'unsubscribe x/*']);
  });

  it('that overlap each get a message once, though the connection gets one copy', async () => {
    await stage.broker();
    const client = await stage.client();
    const all = [await collect(client, 'x/*'), await collect(client, 'x/**'), await collect(client, 'x/1')];
    await client.publish('x/1', 1);
    await client.flush();
    expect(all.map(({ bodies }) => bodies)).toEqual([[1], [1], [1]]);
  });

  it('may come and go while a message is handed out', async () => {
    await stage.broker();
    const client = await stage.client();
    const log: string[] = [];
    const later: Promise<unknown>[] = [];
    const doomed: { subscription?: Subscription } = {};
    await client.subscribe('x', () => {
      log.push('first');
      if (later.length > 0) return;
      later.push(client.subscribe('x', () => log.push('new')));
      later.push(doomed.subscription?.unsubscribe() ?? Promise.resolve());
    });
    doomed.subscription = await client.subscribe('x', () => log.push('doomed'));
    await client.publish('x');
    await client.flush();
    await Promise.all(later);
    // Neither the one that had just gone nor the one that had just come.
    expect(log).toEqual(['first']);
    await client.publish('x');
    await client.flush();
    expect(log).toEqual(['first', 'first', 'new']);
  });

  it('unsubscribed before they were in place leave nothing at the broker', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    const abort = new AbortController();
    const outcomes = [
      outcomeOf(client.subscribe('a', () => {}, { signal: abort.signal })),
      outcomeOf(client.subscribe('b', () => {}, { signal: AbortSignal.abort() })),
    ];
    abort.abort();
    await client.flush();
    expect(outcomes.map(({ result }) => result)).toEqual(['ABORTED', 'ABORTED']);
    expect(broker.stats.subscriptions).toBe(0);
  });
});

describe('a handler', () => {
  it('may publish, call and subscribe on its own client, and wait for it', async () => {
    await stage.broker();
    const client = await stage.client();
    await client.provide('double', (n: number) => 2 * n);
    const results: unknown[] = [];
    const done = new Promise<void>((resolve) => {
      void client.subscribe('question', async (message) => {
        const answer = await client.call('double', message.body);
        await client.subscribe('answer', (reply) => {
          results.push(reply.body);
          resolve();
        });
        await client.publish('answer', answer);
        await client.flush();
      });
    });
    await client.publish('question', 21);
    await within(done, 'the answer');
    expect(results).toEqual([42]);
  });

  it('that throws or rejects harms nothing and is reported', async () => {
    await stage.broker();
    const { client, errors } = await stage.join();
    await client.subscribe('x', () => {
      throw new Error('thrown');
    });
    await client.subscribe('x', async () => Promise.reject(new Error('rejected')));
    const { bodies } = await collect(client, 'x');
    await client.publish('x', 1);
    await client.publish('x', 2);
    await client.flush();
    await clock.idle();
    expect(bodies).toEqual([1, 2]);
    expect(errors.items.map(({ code, message }) => `${code} ${message}`).sort()).toEqual([
      'HANDLER_FAILED handler of x, message on x: rejected',
      'HANDLER_FAILED handler of x, message on x: rejected',
      'HANDLER_FAILED handler of x, message on x: thrown',
      'HANDLER_FAILED handler of x, message on x: thrown',
    ]);
    expect(errors.items[0]?.cause).toBeInstanceOf(Error);
    expect(client.state).toBe('connected');
  });

  it('that throws something strange is reported all the same', async () => {
    await stage.broker();
    const { client, errors } = await stage.join();
    const strange: unknown[] = [undefined, null, 'text', { message: 5 }, Object.create(null), Symbol('x')];
    await client.subscribe('x', (message) => {
      // oxlint-disable-next-line typescript/only-throw-error -- a user may
      throw strange[Number(message.body)];
    });
    for (const n of strange.keys()) await client.publish('x', n);
    await client.flush();
    expect(errors.items).toHaveLength(strange.length);
    expect(client.state).toBe('connected');
  });

  it('is not called any more once unsubscribe was called, whatever is on its way', async () => {
    await stage.broker();
    const client = await stage.client();
    const { subscription, bodies } = await collect(client, 'x');
    void client.publish('x', 1);
    void subscription.unsubscribe();
    await client.flush();
    expect(bodies).toEqual([]);
  });
});

describe('after a reconnect', () => {
  it('subscriptions are restored before connected is told, once each, and kept messages come again', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const publisher = await stage.client();
    const one = await collect(client, 'x/*');
    await collect(client, 'x/*');
    const gone = await collect(client, 'y');
    await gone.subscription.unsubscribe();
    await publisher.publish('x/kept', 'kept', { persist: true });
    await publisher.flush();
    const seen = await monitor();
    tap.connection.cut();
    await clock.advance(50);
    expect(client.state).toBe('connected');
    expect(controls(seen)).toEqual(['subscribe x/*']);
    await publisher.publish('x/live', 'live');
    await publisher.flush();
    await client.flush();
    expect(one.bodies).toEqual(['kept', 'kept', 'live']);
  });

  it('what was unsubscribed meanwhile is not restored, what was subscribed meanwhile is', async () => {
    const broker = await stage.broker();
    const { client, tap } = await stage.join();
    const a = await collect(client, 'a');
    await collect(client, 'b');
    tap.connection.cut();
    await clock.idle();
    await a.subscription.unsubscribe();
    const c = outcomeOf(client.subscribe('c', () => {}));
    await clock.idle();
    expect(c.result).toBeUndefined();
    await clock.advance(50);
    expect(c.result).toBe('done');
    expect(broker.stats.subscriptions).toBe(2);
  });

  it('a subscription that was on its way when the connection broke is complete as well', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    tap.connection.stallWriting();
    const outcome = outcomeOf(client.subscribe('x', () => {}));
    await clock.idle();
    tap.connection.cut();
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    await clock.advance(50);
    expect(outcome.result).toBe('done');
  });
});

describe('a signal given to subscribe', () => {
  it('unsubscribes when it aborts, also at the very moment of subscribing', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    const abort = new AbortController();
    const { signal } = abort;
    const subscription = await client.subscribe('x', () => {}, { signal });
    // As soon as anything is known to have worked.
    const racing = new AbortController();
    const raced = client
      .subscribe('y', () => {}, { signal: racing.signal })
      .then((one) => {
        racing.abort();
        return one;
      });
    abort.abort();
    expect(subscription.ended).toBe(true);
    expect((await raced).ended).toBe(true);
    await client.flush();
    expect(broker.stats.subscriptions).toBe(0);
  });

  it('keeps no listener of a subscription that has ended, in whatever way', async () => {
    await stage.broker();
    const client = await stage.client();
    const { signal } = new AbortController();
    for (let n = 0; n < 5; n++) {
      const subscription = await client.subscribe(`x/${n}`, () => {}, { signal });
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      await subscription.unsubscribe();
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    }
    await client.subscribe('y', () => {}, { signal });
    await client.close();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a subscription that is read', () => {
  it('gives every message from the moment of subscribing, in order', async () => {
    await stage.broker();
    const client = await stage.client();
    const subscription = await client.subscribe('x');
    for (let n = 0; n < 5; n++) void client.publish('x', n);
    await client.flush();
    const bodies: unknown[] = [];
    for await (const message of subscription) {
      bodies.push(message.body);
      if (bodies.length === 5) break;
    }
    expect(bodies).toEqual([0, 1, 2, 3, 4]);
  });

  it('goes on after a loop was left: a new loop reads what comes from then on', async () => {
    await stage.broker();
    const client = await stage.client();
    const subscription = await client.subscribe('x');
    await client.publish('x', 1);
    await client.flush();
    for await (const message of subscription) {
      expect(message.body).toBe(1);
      break;
    }
    await client.publish('x', 'nobody reads');
    await client.flush();
    const next = subscription[Symbol.asyncIterator]().next();
    await client.publish('x', 2);
    expect(await next).toMatchObject({ value: { body: 2 } });
  });

  it('ends after what it has when it is unsubscribed or its client closes', async () => {
    await stage.broker();
    for (const end of ['unsubscribe', 'close'] as const) {
      const client = await stage.client();
      const subscription = await client.subscribe('x');
      await client.publish('x', 1);
      await client.flush();
      if (end === 'unsubscribe') await subscription.unsubscribe();
      else await client.close();
      const bodies: unknown[] = [];
      for await (const message of subscription) bodies.push(message.body);
      expect(bodies).toEqual([1]);
      // And a loop that begins later ends at once.
      for await (const message of subscription) bodies.push(message.body);
      expect(bodies).toEqual([1]);
    }
  });

  it('wakes all who wait for its next message when it ends', async () => {
    await stage.broker();
    const client = await stage.client();
    const subscription = await client.subscribe('x');
    const iterator = subscription[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    await subscription.unsubscribe();
    expect(await within(Promise.all(waiting), 'the ends')).toMatchObject([{ done: true }, { done: true }]);
  });

  it('loses the oldest past limits.iteratorMessages, counts them, and says so once', async () => {
    await stage.broker();
    const { client, errors } = await stage.join({ limits: { iteratorMessages: 10 } });
    const subscription = await client.subscribe('x');
    for (let n = 0; n < 25; n++) void client.publish('x', n);
    await client.flush();
    expect(subscription.missed).toBe(15);
    expect(errors.items).toMatchObject([{ code: 'SLOW_CONSUMER', details: { pattern: 'x', limit: 10 } }]);
    const iterator = subscription[Symbol.asyncIterator]();
    const bodies: unknown[] = [];
    for (let n = 0; n < 10; n++) {
      const result = await iterator.next();
      if (!result.done) bodies.push(result.value.body);
    }
    expect(bodies).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
  });

  it('says it again only after it had caught up: a reader that is a little too slow is no flood of errors', async () => {
    await stage.broker();
    const { client, errors } = await stage.join({ limits: { iteratorMessages: 10 } });
    const subscription = await client.subscribe('x');
    const iterator = subscription[Symbol.asyncIterator]();
    for (let n = 0; n < 40; n++) {
      for (let m = 0; m < 2; m++) void client.publish('x', n);
      await client.flush();
      await iterator.next();
    }
    expect(errors.items).toHaveLength(1);
    for (let n = 0; n < 9; n++) await iterator.next();
    for (let n = 0; n < 15; n++) void client.publish('x', n);
    await client.flush();
    expect(errors.items).toHaveLength(2);
  });
});

describe('client.messages', () => {
  it('subscribes when it is first read, and unsubscribes when the loop is left', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    const messages = client.messages('x');
    await client.flush();
    expect(broker.stats.subscriptions).toBe(0);
    const first = messages.next();
    await client.flush();
    expect(broker.stats.subscriptions).toBe(1);
    await client.publish('x', 1);
    expect((await first).value).toMatchObject({ body: 1 });
    await messages.return();
    await client.flush();
    expect(broker.stats.subscriptions).toBe(0);
  });

  it('begins with what is kept', async () => {
    await stage.broker();
    const client = await stage.client();
    await client.publish('x', 'kept', { persist: true });
    for await (const message of client.messages('x')) {
      expect(message.body).toBe('kept');
      break;
    }
  });

  it('ends when its signal aborts, and leaves no listener', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    const abort = new AbortController();
    const bodies: unknown[] = [];
    const loop = (async () => {
      for await (const message of client.messages('x', { signal: abort.signal })) bodies.push(message.body);
    })();
    await client.flush();
    await client.publish('x', 1);
    await client.flush();
    await clock.idle();
    abort.abort();
    await within(loop, 'the end of the loop');
    await client.flush();
    expect(bodies).toEqual([1]);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    expect(broker.stats.subscriptions).toBe(0);
    for await (const message of client.messages('x', { signal: abort.signal })) bodies.push(message.body);
    expect(bodies).toEqual([1]);
  });

  it('ends when the client closes, and unsubscribes when its loop throws', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    await client.publish('x', 1, { persist: true });
    const failing = (async () => {
      for await (const message of client.messages('x')) throw new Error(`cannot stand ${String(message.body)}`);
    })();
    await expect(failing).rejects.toThrow('cannot stand 1');
    await client.flush();
    expect(broker.stats.subscriptions).toBe(0);
    const loop = (async () => {
      for await (const _ of client.messages('y')) throw new Error('there is none');
    })();
    await client.flush();
    await client.close();
    await within(loop, 'the end of the loop');
    await expect(client.messages('x').next()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('survives a reconnect', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const messages = client.messages('x');
    const first = messages.next();
    await client.flush();
    tap.connection.cut();
    await clock.advance(50);
    await client.publish('x', 1);
    expect((await within(first, 'the message')).value).toMatchObject({ body: 1 });
    await messages.return();
  });
});
