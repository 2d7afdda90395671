// What becomes of a message that is published while there is no connection, or one that takes nothing.

import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SpokeError } from '../../../src/contracts/index.js';
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

async function reader(pattern = '**'): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.subscribe(pattern);
  await raw.flush();
  await clock.idle();
  return raw;
}

const bodies = (raw: RawConnection) =>
  raw.frames.rest
    .map((frame) => JSON.parse(frame))
    .filter(({ head }) => !String(head.channel).startsWith('-control/'))
    .map(({ body }) => body);

/** What a promise comes to, once it does. */
function outcomeOf(promise: Promise<unknown>) {
  const outcome: { result?: string } = {};
  promise.then(
    () => (outcome.result = 'done'),
    (error: SpokeError) => (outcome.result = error.code),
  );
  return outcome;
}

describe('publishing while there is no connection', () => {
  it('waits for it, keeps the order, and everything arrives', async () => {
    const { client } = stage.prepare();
    const outcomes = Array.from({ length: 100 }, (_, n) => outcomeOf(client.publish('x', n)));
    await clock.idle();
    expect(outcomes.every(({ result }) => result === undefined)).toBe(true);
    await stage.broker();
    const a = await reader('x');
    await client.connect();
    void client.publish('x', 100);
    await client.flush();
    await clock.idle();
    expect(outcomes.every(({ result }) => result === 'done')).toBe(true);
    expect(bodies(a)).toEqual(Array.from({ length: 101 }, (_, n) => n));
  });

  it('waits through a lost connection as well', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const a = await reader('x');
    tap.connection.cut();
    await clock.idle();
    const outcome = outcomeOf(client.publish('x', 1));
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    await clock.advance(50);
    expect(outcome.result).toBe('done');
    expect(bodies(a)).toEqual([1]);
  });

  it('takes the value as it was when it was published', async () => {
    const { client } = stage.prepare();
    const body = { n: 1 };
    const published = client.publish('x', body);
    body.n = 2;
    await stage.broker();
    const a = await reader('x');
    await client.connect();
    await published;
    expect((await a.next()).body).toEqual({ n: 1 });
  });

  it('is refused with QUEUE_FULL past limits.offlineBytes, and there is room again after a connection', async () => {
    const { client } = stage.prepare({ limits: { offlineBytes: 1000 } });
    const text = 'x'.repeat(400);
    const waiting = [outcomeOf(client.publish('x', text)), outcomeOf(client.publish('x', text))];
    await expect(client.publish('x', text)).rejects.toMatchObject({ code: 'QUEUE_FULL', retryable: true });
    await stage.broker();
    await client.connect();
    await client.flush();
    expect(waiting.map(({ result }) => result)).toEqual(['done', 'done']);
  });

  it('can be taken back by a signal: what was aborted is never sent, and makes room', async () => {
    const { client } = stage.prepare({ limits: { offlineBytes: 600 } });
    const abort = new AbortController();
    const first = outcomeOf(client.publish('x', 'a'.repeat(400), { signal: abort.signal }));
    await expect(client.publish('x', 'b'.repeat(400))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    abort.abort(new Error('changed my mind'));
    await clock.idle();
    expect(first.result).toBe('ABORTED');
    const second = outcomeOf(client.publish('x', 'c'.repeat(400)));
    await stage.broker();
    const a = await reader('x');
    await client.connect();
    await client.flush();
    expect(second.result).toBe('done');
    expect(bodies(a)).toEqual(['c'.repeat(400)]);
  });

  it('with a signal that aborted already is refused at once', async () => {
    await stage.broker();
    const { client } = await stage.join();
    const reason = new Error('too late');
    await expect(client.publish('x', 1, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ABORTED',
      cause: reason,
    });
  });

  it('leaves no listener on its signal, whether it was sent, refused or closed', async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const { client } = stage.prepare({ limits: { offlineBytes: 100 } });
    const sent = client.publish('x', 1, { signal });
    await expect(client.publish('x', 'x'.repeat(200), { signal })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await stage.broker();
    await client.connect();
    await sent;
    const other = stage.prepare().client;
    const never = outcomeOf(other.publish('x', 1, { signal }));
    await other.close();
    await clock.idle();
    expect(never.result).toBe('CLOSED');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    // Too late to change anything.
    abort.abort();
  });

  it('is refused with CLOSED when the client closes', async () => {
    const { client } = stage.prepare();
    const outcome = outcomeOf(client.publish('x', 1));
    await client.close();
    expect(outcome.result).toBe('CLOSED');
    await expect(client.publish('x', 1)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('comes after the subscriptions: a client sees what it published before it was connected', async () => {
    const { client } = stage.prepare();
    const seen: unknown[] = [];
    const subscribed = client.subscribe('x', (message) => seen.push(message.body));
    void client.publish('x', 1);
    await stage.broker();
    await client.connect();
    await subscribed;
    await client.flush();
    expect(seen).toEqual([1]);
  });
});

describe('publishing to a connection that takes nothing', () => {
  const chunk = 'x'.repeat(10_000);

  it('waits until it does, and keeps the order', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const a = await reader('x');
    tap.connection.stallWriting();
    const outcomes: { result?: string }[] = [];
    for (let n = 0; n < 20; n++) {
      outcomes.push(outcomeOf(client.publish('x', `${n} ${chunk}`)));
      await clock.idle();
    }
    expect(outcomes[0]?.result).toBe('done');
    expect(outcomes.slice(1).every(({ result }) => result === undefined)).toBe(true);
    tap.connection.goOnWriting();
    await clock.idle();
    expect(outcomes.every(({ result }) => result === 'done')).toBe(true);
    expect(bodies(a)).toEqual(Array.from({ length: 20 }, (_, n) => `${n} ${chunk}`));
  });

  it('is refused with QUEUE_FULL past limits.offlineBytes, and the connection is not lost for it', async () => {
    await stage.broker();
    const { client, tap } = await stage.join({ limits: { offlineBytes: 50_000 } });
    const a = await reader('x');
    tap.connection.stallWriting();
    const results: string[] = [];
    for (let n = 0; n < 20; n++) {
      client.publish('x', chunk).then(
        () => results.push('done'),
        (error: SpokeError) => results.push(error.code),
      );
      await clock.idle();
    }
    expect(results.filter((result) => result === 'QUEUE_FULL').length).toBeGreaterThan(10);
    tap.connection.goOnWriting();
    await clock.idle();
    expect(client.state).toBe('connected');
    expect(bodies(a)).toHaveLength(results.filter((result) => result === 'done').length);
  });

  it('does not wait for ever when that connection is lost', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    tap.connection.stallWriting();
    void client.publish('x', 1);
    await clock.idle();
    const outcome = outcomeOf(client.publish('x', 2));
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    tap.connection.cut();
    await clock.idle();
    expect(outcome.result).toBeDefined();
  });
});

describe('a message', () => {
  it.each([
    ['a function', () => 1, 'NOT_ENCODABLE'],
    ['a symbol', Symbol('x'), 'NOT_ENCODABLE'],
  ])('whose body is %s is refused as a rejection, and nothing is sent', async (_, body, code) => {
    await stage.broker();
    const client = await stage.client();
    const a = await reader('x');
    await expect(client.publish('x', body)).rejects.toMatchObject({ code });
    await client.publish('x', 'next');
    expect((await a.next()).body).toBe('next');
  });

  it('whose body is a cycle is refused', async () => {
    const { client } = stage.prepare();
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    await expect(client.publish('x', cycle)).rejects.toMatchObject({ code: 'NOT_ENCODABLE' });
  });

  it('with a head key that peers break on is refused', async () => {
    const { client } = stage.prepare();
    await expect(client.publish('x', 1, { head: { self: 1 } })).rejects.toMatchObject({ code: 'NOT_ENCODABLE' });
    await expect(client.publish('x', 1, { head: { body: 1 } })).rejects.toMatchObject({ code: 'NOT_ENCODABLE' });
  });

  it.each([NaN, Infinity, -Infinity, '5' as unknown as number])(
    'with the time %p is a TypeError at once',
    async (time) => {
      const { client } = stage.prepare();
      await expect(client.publish('x', 1, { time })).rejects.toThrow(TypeError);
    },
  );

  it('on a channel that is no text is a TypeError', async () => {
    const { client } = stage.prepare();
    await expect(client.publish(5 as unknown as string)).rejects.toThrow(TypeError);
  });

  it('longer than limits.messageBytes is refused before it is sent', async () => {
    await stage.broker();
    const { client } = await stage.join({ limits: { messageBytes: 1000 } });
    await expect(client.publish('x', 'x'.repeat(1000))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(client.state).toBe('connected');
  });

  it('is nothing but undefined: it arrives as null', async () => {
    await stage.broker();
    const a = await reader('x');
    await (await stage.client()).publish('x');
    expect((await a.next()).body).toBeNull();
  });

  it('carries persist, bounce, time and keys of its own', async () => {
    await stage.broker();
    const { client } = await stage.join();
    const own: unknown[] = [];
    await client.subscribe('x', (message) => own.push(message.body));
    const a = await reader('x');
    await client.publish('x', 1, { persist: true, bounce: false, time: 7.5, head: { trace: 'abc' } });
    expect((await a.next()).head).toEqual({ channel: 'x', persist: true, time: 7.5, trace: 'abc' });
    await client.flush();
    expect(own).toEqual([]);
  });

  it('that the broker refuses is told by an error event with the code, the broker and the channel', async () => {
    await stage.broker();
    const { client, errors } = await stage.join();
    await client.publish('robot/x', 1, { time: clock.now() / 1000 + 3600 });
    await client.flush();
    expect(errors.items).toMatchObject([{ code: 'TIME_INVALID', details: { url: stage.url, channel: 'robot/x' } }]);
  });
});

describe('flush', () => {
  it('resolves when the broker has handled everything sent before', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    for (let n = 0; n < 100; n++) void client.publish('x', n, { persist: true });
    const { received } = broker.stats;
    await client.flush();
    expect(broker.stats.received).toBeGreaterThanOrEqual(received + 100);
  });

  it('waits for a connection, and speaks for what was sent on the new one', async () => {
    await stage.broker();
    const { client, tap } = await stage.join();
    const a = await reader('x');
    tap.connection.stallWriting();
    void client.publish('x', 'lost');
    const flushed = outcomeOf(client.flush());
    await clock.idle();
    tap.connection.cut();
    await clock.idle();
    void client.publish('x', 'kept');
    expect(flushed.result).toBeUndefined();
    await clock.advance(50);
    expect(flushed.result).toBe('done');
    expect(bodies(a)).toEqual(['kept']);
  });

  it('rejects with TIMEOUT, ABORTED and CLOSED, and leaves nothing that waits', async () => {
    const { client } = stage.prepare();
    const abort = new AbortController();
    const outcomes = [
      outcomeOf(client.flush({ timeout: 500 })),
      outcomeOf(client.flush({ signal: abort.signal })),
      outcomeOf(client.flush()),
    ];
    await clock.advance(500);
    abort.abort();
    await clock.idle();
    await client.close();
    await clock.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['TIMEOUT', 'ABORTED', 'CLOSED']);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    expect(clock.timers).toBe(0);
    await expect(client.flush()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('is answered once for all who ask in one turn', async () => {
    const broker = await stage.broker();
    const client = await stage.client();
    await client.flush();
    const { received } = broker.stats;
    await within(Promise.all(Array.from({ length: 100 }, async () => client.flush())), '100 flushes');
    expect(broker.stats.received - received).toBe(1);
  });
});
