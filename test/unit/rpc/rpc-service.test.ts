// Remote calls: results, errors, ends, and calls that outlive their connection.

import { getEventListeners } from 'node:events';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SpokeError } from '../../../src/contracts/index.js';
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

async function pair() {
  const broker = await stage.broker();
  const [provider, caller] = [await stage.join(), await stage.join()];
  return { broker, provider, caller };
}

/** Provides a procedure that never answers, as another program. */
async function silent(name: string): Promise<void> {
  const peer = await stage.raw();
  peer.subscribe(`${name}/-rpc/**/call`);
  await peer.flush();
}

function outcomeOf(promise: Promise<unknown>) {
  const outcome: { result?: unknown } = {};
  promise.then(
    (value) => (outcome.result = value),
    (error: SpokeError) => (outcome.result = error.code),
  );
  return outcome;
}

describe('a call', () => {
  it.each([
    null,
    true,
    0,
    -1.5,
    '',
    'ä\0😀',
    [],
    [1, [2, null]],
    {},
    { a: { b: [1] } },
    { error: 'no error' },
    { okay: 1 },
  ])('takes and gives back any JSON: %j', async (value) => {
    const { provider, caller } = await pair();
    await provider.client.provide('echo', (argument: unknown) => argument);
    expect(await caller.client.call('echo', value)).toEqual(value);
  });

  it('without an argument or a result is null', async () => {
    const { provider, caller } = await pair();
    const seen: unknown[] = [];
    await provider.client.provide('nothing', (argument: unknown) => void seen.push(argument));
    expect(await caller.client.call('nothing')).toBeNull();
    expect(seen).toEqual([null]);
  });

  it('waits for a result that takes its time', async () => {
    const { provider, caller } = await pair();
    let finish: (value: string) => void = () => {};
    await provider.client.provide('slow', async () => new Promise<string>((resolve) => (finish = resolve)));
    const outcome = outcomeOf(caller.client.call('slow', 1));
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    finish('done');
    await clock.idle();
    expect(outcome.result).toBe('done');
    expect(clock.timers).toBe(0);
  });

  it('may call its own client', async () => {
    const { caller } = await pair();
    await caller.client.provide('square', (n: number) => n * n);
    expect(await caller.client.call<number>('square', 7)).toBe(49);
  });

  it('may call on from within a procedure', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('factorial', async (n: number): Promise<number> => {
      return n <= 1 ? 1 : n * (await provider.client.call<number>('factorial', n - 1));
    });
    expect(await caller.client.call('factorial', 10)).toBe(3_628_800);
  });

  it('names the procedure in any spelling', async () => {
    const { provider, caller } = await pair();
    const { name } = await provider.client.provide('/math//square/', (n: number) => n * n);
    expect(name).toBe('math/square');
    expect(await caller.client.call('math/square/', 3)).toBe(9);
  });

  it.each(['', '/', '*', 'a/**', 'a/*/b'])('of %p is a TypeError, and so is providing it', async (name) => {
    const { client } = stage.prepare();
    await expect(client.call(name)).rejects.toThrow(TypeError);
    await expect(client.provide(name, () => 1)).rejects.toThrow(TypeError);
  });

  it('with an argument that cannot be encoded is refused, and nothing is left of it', async () => {
    const { caller } = await pair();
    await expect(caller.client.call('x', () => {})).rejects.toMatchObject({ code: 'NOT_ENCODABLE' });
    expect(clock.timers).toBe(0);
  });

  it('is one of thousands in flight over one subscription, each with its own answer', async () => {
    const { broker, provider, caller } = await pair();
    const waiting: (() => void)[] = [];
    await provider.client.provide('later', async (n: number) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return n * 2;
    });
    const calls = Array.from({ length: 5000 }, async (_, n) => caller.client.call<number>('later', n));
    await clock.idle();
    expect(waiting).toHaveLength(5000);
    expect(broker.stats.subscriptions).toBe(3);
    // The last first.
    for (const answer of waiting.reverse()) answer();
    expect(await within(Promise.all(calls), 'all answers')).toEqual(Array.from({ length: 5000 }, (_, n) => n * 2));
    expect(clock.timers).toBe(0);
  });
});

describe('a call that fails', () => {
  it('rejects with REMOTE and the text of what the procedure threw', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('fails', () => {
      throw new RangeError('too much');
    });
    await provider.client.provide('rejects', async () => Promise.reject(new Error('later')));
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a user may
    await provider.client.provide('strange', async () => Promise.reject('a text'));
    await provider.client.provide('stranger', async () => Promise.reject(Object.create(null)));
    await expect(caller.client.call('stranger')).rejects.toMatchObject({ code: 'REMOTE' });
    await expect(caller.client.call('fails')).rejects.toMatchObject({
      code: 'REMOTE',
      message: 'too much',
      details: { procedure: 'fails' },
    });
    await expect(caller.client.call('rejects')).rejects.toMatchObject({ code: 'REMOTE', message: 'later' });
    await expect(caller.client.call('strange')).rejects.toMatchObject({ code: 'REMOTE', message: 'a text' });
    expect(provider.errors.items).toEqual([]);
  });

  it('is told when the result cannot be sent', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('function', () => () => 1);
    await provider.client.provide('symbol', () => Symbol('x'));
    await provider.client.provide('cycle', () => {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      return cycle;
    });
    for (const name of ['function', 'symbol', 'cycle']) {
      await expect(caller.client.call(name)).rejects.toMatchObject({
        code: 'REMOTE',
        message: expect.stringContaining('the result cannot be sent'),
      });
    }
  });

  it('is told when the result is longer than a message may be', async () => {
    await stage.broker();
    const provider = await stage.client({ limits: { messageBytes: 2000 } });
    await provider.provide('long', () => 'x'.repeat(5000));
    const caller = await stage.client();
    await expect(caller.call('long')).rejects.toMatchObject({
      code: 'REMOTE',
      message: expect.stringContaining('the result cannot be sent'),
    });
  });

  it('rejects with TIMEOUT when nobody answers, after 30 seconds or as long as is said', async () => {
    const { caller } = await pair();
    await silent('nobody');
    const outcomes = [
      outcomeOf(caller.client.call('nobody')),
      outcomeOf(caller.client.call('nobody', 1, { timeout: 100 })),
    ];
    await clock.advance(99);
    expect(outcomes[1]?.result).toBeUndefined();
    await clock.advance(1);
    expect(outcomes[1]?.result).toBe('TIMEOUT');
    await clock.advance(29_899);
    expect(outcomes[0]?.result).toBeUndefined();
    await clock.advance(1);
    expect(outcomes[0]?.result).toBe('TIMEOUT');
    expect(clock.timers).toBe(0);
  });

  it('waits for ever when it is told to', async () => {
    const { provider, caller } = await pair();
    await silent('nobody');
    const outcome = outcomeOf(caller.client.call('nobody', 1, { timeout: Infinity }));
    await clock.advance(1e9);
    expect(outcome.result).toBeUndefined();
    expect(clock.timers).toBe(0);
    await provider.client.close();
  });

  it('takes its default timeout from the client', async () => {
    await stage.broker();
    await silent('nobody');
    const client = await stage.client({ callTimeout: 250 });
    const outcome = outcomeOf(client.call('nobody'));
    await clock.advance(250);
    expect(outcome.result).toBe('TIMEOUT');
  });

  it('rejects with ABORTED when its signal aborts, before, meanwhile or too late, and leaves no listener', async () => {
    const { provider, caller } = await pair();
    await silent('nobody');
    const { client } = caller;
    await provider.client.provide('echo', (value: unknown) => value);
    const reason = new Error('enough');
    await expect(client.call('echo', 1, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: 'ABORTED',
      cause: reason,
    });
    const abort = new AbortController();
    const { signal } = abort;
    expect(await client.call('echo', 2, { signal })).toBe(2);
    const outcome = outcomeOf(client.call('nobody', 1, { signal }));
    await clock.idle();
    abort.abort(reason);
    await clock.idle();
    expect(outcome.result).toBe('ABORTED');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('leaves others on the same client alone', async () => {
    const { provider, caller } = await pair();
    await silent('nobody');
    const { client } = caller;
    await provider.client.provide('echo', (value: unknown) => value);
    const abort = new AbortController();
    const failing = [
      client.call('nobody', 1, { signal: abort.signal }),
      client.call('nobody', 1, { timeout: 50 }),
      client.call('x', Symbol('x')),
    ].map(outcomeOf);
    const good = outcomeOf(client.call('echo', 'good'));
    abort.abort();
    await clock.advance(50);
    expect(failing.map(({ result }) => result)).toEqual(['ABORTED', 'TIMEOUT', 'NOT_ENCODABLE']);
    expect(good.result).toBe('good');
  });

  it('because its client may not listen for answers says so, and a later one may work', async () => {
    let allowed = false;
    await stage.broker({ authorizer: { allows: (_, action) => action === 'publish' || allowed } });
    const { client, errors } = await stage.join();
    const calls = [client.call('echo', 1), client.call('echo', 2)].map(outcomeOf);
    await clock.idle();
    expect(calls.map(({ result }) => result)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(errors.items).toEqual([]);
    allowed = true;
    await client.provide('echo', (value: unknown) => value);
    expect(await client.call('echo', 3)).toBe(3);
  });
});

describe('answers', () => {
  it('that come too late or twice are ignored', async () => {
    const { provider, caller } = await pair();
    const answers: ((value: string) => void)[] = [];
    await provider.client.provide('slow', async () => new Promise<string>((resolve) => answers.push(resolve)), {
      group: false,
    });
    const second = await stage.client();
    await second.provide('slow', async () => new Promise<string>((resolve) => answers.push(resolve)), { group: false });
    const late = outcomeOf(caller.client.call('slow', 1, { timeout: 10 }));
    await clock.advance(10);
    const next = outcomeOf(caller.client.call('slow', 2));
    await clock.idle();
    for (const [n, answer] of answers.entries()) answer(`answer ${n}`);
    await clock.idle();
    expect(late.result).toBe('TIMEOUT');
    expect(next.result).toMatch(/^answer [23]$/);
    expect(caller.errors.items).toEqual([]);
  });

  it.each([
    ['null', 'REPLY_MALFORMED'],
    ['5', 'REPLY_MALFORMED'],
    ['[]', 'REPLY_MALFORMED'],
    ['{}', 'REPLY_MALFORMED'],
    ['{"Okay": 1}', 'REPLY_MALFORMED'],
    ['{"__proto__": {"okay": 1}}', 'REPLY_MALFORMED'],
    ['{"error": "text"}', 'REMOTE'],
    ['{"error": null}', 'REMOTE'],
    ['{"error": {"deep": [1]}}', 'REMOTE'],
    ['{"okay": null}', null],
    ['{"okay": 1, "more": 2}', 1],
  ])('%s is %p', async (reply, expected) => {
    const { caller } = await pair();
    const provider = await stage.raw();
    provider.subscribe('raw/-rpc/**/call');
    await provider.flush();
    const outcome = outcomeOf(caller.client.call('raw', { a: 1 }));
    const call = await provider.next();
    expect(call.body).toEqual({ a: 1 });
    provider.publish(call.head.channel.replace(/call$/, 'result'), reply);
    await clock.idle();
    expect(outcome.result).toEqual(expected);
  });

  it('to numbers that were never called do nothing', async () => {
    const { caller } = await pair();
    const provider = await stage.raw();
    provider.subscribe('raw/-rpc/**/call');
    await provider.flush();
    const outcome = outcomeOf(caller.client.call('raw', 1));
    const { head } = await provider.next();
    const base = head.channel.replace(/\/\d+\/call$/, '');
    for (const number of ['999', '0', '-1', '1e0', '01x', 'x', '1.0', ' 1']) {
      provider.publish(`${base}/${number}/result`, '{"okay": "forged"}');
    }
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    provider.publish(head.channel.replace(/call$/, 'result'), '{"okay": "real"}');
    await clock.idle();
    expect(outcome.result).toBe('real');
  });
});

describe('providing', () => {
  it('answers a call of a peer, with an id and without', async () => {
    const { provider } = await pair();
    await provider.client.provide('square', (n: number) => n * n);
    const peer = await stage.raw();
    peer.subscribe('square/-rpc/peer/1/result');
    peer.publish('square/-rpc/peer/1/call', '7');
    peer.subscribe('square/-rpc/result');
    peer.publish('square/-rpc/call', '8');
    expect(await peer.take(2)).toMatchObject([
      { head: { channel: 'square/-rpc/peer/1/result' }, body: { okay: 49 } },
      { head: { channel: 'square/-rpc/result' }, body: { okay: 64 } },
    ]);
  });

  it('ends with close: calls that run are still answered, later ones are not', async () => {
    const { provider, caller } = await pair();
    let finish: (value: string) => void = () => {};
    const provided = await provider.client.provide(
      'slow',
      async () => new Promise<string>((resolve) => (finish = resolve)),
    );
    const running = outcomeOf(caller.client.call('slow'));
    await clock.idle();
    await provided.close();
    await provided.close();
    await provided[Symbol.asyncDispose]();
    await provider.client.flush();
    const later = outcomeOf(caller.client.call('slow', 1, { timeout: 100 }));
    finish('answered');
    await clock.advance(100);
    expect([running.result, later.result]).toEqual(['answered', 'NO_PROVIDER']);
  });

  it('ends when its signal aborts', async () => {
    const { broker, provider } = await pair();
    const abort = new AbortController();
    await provider.client.provide('x', () => 1, { signal: abort.signal });
    expect(broker.stats.subscriptions).toBe(2);
    abort.abort();
    await provider.client.flush();
    expect(broker.stats.subscriptions).toBe(0);
  });

  it('by a client that closes at once is no error that anybody needs to hear of', async () => {
    await stage.broker();
    const [provider, caller] = [await stage.join({ closeTimeout: 0 }), await stage.join()];
    let finish: () => void = () => {};
    await provider.client.provide('slow', async () => new Promise<void>((resolve) => (finish = resolve)));
    const outcome = outcomeOf(caller.client.call('slow', 1, { timeout: 100 }));
    await clock.idle();
    await provider.client.close();
    finish();
    await clock.advance(100);
    expect(outcome.result).toBe('PROVIDER_LOST');
    expect(provider.errors.items).toEqual([]);
  });

  it('of something that is no function is a TypeError', async () => {
    const { client } = stage.prepare();
    await expect(client.provide('x', 5 as unknown as () => void)).rejects.toThrow(TypeError);
  });
});

describe('calls and connections', () => {
  it('a call made before there is a connection waits for it', async () => {
    const { client } = stage.prepare();
    const outcome = outcomeOf(client.call('echo', 1));
    await clock.idle();
    await stage.broker();
    const provider = await stage.client();
    await provider.provide('echo', (value: unknown) => value);
    await client.connect();
    await clock.idle();
    expect(outcome.result).toBe(1);
  });

  it('a call that timed out before there was a connection is never made', async () => {
    const { client } = stage.prepare();
    const abort = new AbortController();
    const outcomes = [client.call('count', 1, { timeout: 100 }), client.call('count', 2, { signal: abort.signal })].map(
      outcomeOf,
    );
    await clock.advance(100);
    abort.abort();
    await clock.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(['TIMEOUT', 'ABORTED']);
    await stage.broker();
    const provider = await stage.client();
    const made: unknown[] = [];
    await provider.provide('count', (n: unknown) => void made.push(n));
    await client.connect();
    await client.call('count', 3);
    expect(made).toEqual([3]);
  });

  it('a call whose connection is lost rejects with CONNECTION_LOST at once, for it may have run', async () => {
    const { caller } = await pair();
    await silent('nobody');
    const outcome = outcomeOf(caller.client.call('nobody', 1, { timeout: Infinity }));
    await clock.idle();
    caller.tap.connection.cut();
    await clock.idle();
    expect(outcome.result).toBe('CONNECTION_LOST');
  });

  it('so does one that the connection had not taken yet, and it is not sent again', async () => {
    const { provider, caller } = await pair();
    const made: unknown[] = [];
    await provider.client.provide('count', (n: unknown) => void made.push(n));
    caller.tap.connection.stallWriting();
    const outcomes = Array.from({ length: 20 }, (_, n) =>
      outcomeOf(caller.client.call('count', n, { timeout: Infinity })),
    );
    await clock.idle();
    outcomes.push(outcomeOf(caller.client.call('count', 'blocked', { timeout: Infinity })));
    await clock.idle();
    outcomes.push(outcomeOf(caller.client.call('count', 'blocked too', { timeout: Infinity })));
    caller.tap.connection.cut();
    await clock.idle();
    expect(outcomes.map(({ result }) => result)).toEqual(outcomes.map(() => 'CONNECTION_LOST'));
    await clock.advance(50);
    expect(made).toEqual([]);
  });

  it('a call made at the very moment at which a full connection breaks does not wait for ever', async () => {
    const { caller } = await pair();
    const { connection } = caller.tap;
    connection.stallWriting();
    await clock.idle();
    void caller.client.publish('x', 1);
    await clock.idle();
    connection.cut();
    const outcome = outcomeOf(caller.client.call('nobody', 1, { timeout: Infinity }));
    await clock.advance(1000);
    expect(outcome.result).toBe('CONNECTION_LOST');
  });

  it('a call made while the connection is away is made on the next, and answered there', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('echo', (value: unknown) => value);
    await caller.client.call('echo', 0);
    caller.tap.connection.cut();
    await clock.idle();
    const outcome = outcomeOf(caller.client.call('echo', 1));
    await clock.idle();
    expect(outcome.result).toBeUndefined();
    await clock.advance(50);
    expect(outcome.result).toBe(1);
  });

  it('a call that waited for a connection and then loses that as well rejects, and does not hang', async () => {
    const broker = await stage.broker();
    const { client, tap } = stage.prepare();
    const outcome = outcomeOf(client.call('nobody', 1, { timeout: Infinity }));
    client.on('state', (state) => {
      if (state === 'connected') tap.connection.cut();
    });
    await client.connect();
    await clock.idle();
    expect(outcome.result).toBe('CONNECTION_LOST');
    await client.close();
    await broker.close();
  });

  it('a provider is there again after a reconnect', async () => {
    const { provider, caller } = await pair();
    await provider.client.provide('echo', (value: unknown) => value);
    provider.tap.connection.cut();
    await clock.advance(50);
    expect(await caller.client.call('echo', 1)).toBe(1);
  });

  it('an answer of a provider that was lost meanwhile comes too late', async () => {
    const { provider, caller } = await pair();
    let finish: (value: string) => void = () => {};
    await provider.client.provide('slow', async () => new Promise<string>((resolve) => (finish = resolve)));
    const outcome = outcomeOf(caller.client.call('slow'));
    await clock.idle();
    provider.tap.connection.cut();
    await clock.idle();
    finish('still here');
    await clock.advance(50);
    expect(outcome.result).toBe('PROVIDER_LOST');
    expect(caller.errors.items).toEqual([]);
  });

  it('calls at the very moment of closing all come to an end, and none is an unhandled rejection', async () => {
    const { caller } = await pair();
    const { client } = caller;
    const calls = [client.call('a', 1)];
    const closing = client.close();
    calls.push(client.call('b', 1), client.call('c', 1));
    const codes = await Promise.all(calls.map(async (call) => call.catch((error: SpokeError) => error.code)));
    expect(codes).toEqual(['CLOSED', 'CLOSED', 'CLOSED']);
    await closing;
    expect(clock.timers).toBe(0);
  });
});
