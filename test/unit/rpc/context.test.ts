// What a procedure knows of its call: whether anybody still waits, for how long, and how to tell of progress.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SpokeError } from '../../../src/contracts/index.js';
import type { CallContext } from '../../../src/rpc/index.js';
import { Collector } from '../../support/collector.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

async function trio() {
  const broker = await stage.broker();
  const [provider, second, caller] = [await stage.join(), await stage.join(), await stage.join()];
  return { broker, provider, second, caller };
}

/** Resolves with why the signal aborted. */
async function aborted({ signal }: CallContext): Promise<SpokeError> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return signal.reason as SpokeError;
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: SpokeError) => error.code);
}

describe('the signal of a procedure', () => {
  it('aborts when the signal of its caller does', async () => {
    const { provider, caller } = await trio();
    const reasons = new Collector<SpokeError>('reasons');
    await provider.client.provide('slow', async (_: unknown, context) => reasons.add(await aborted(context)));
    const abort = new AbortController();
    const code = codeOf(caller.client.call('slow', 1, { signal: abort.signal }));
    await clock.idle();
    abort.abort();
    expect(await code).toBe('ABORTED');
    expect(await reasons.next()).toMatchObject({ code: 'ABORTED' });
    await clock.idle();
    expect(clock.timers).toBe(0);
  });

  it('aborts when the timeout of its caller is over', async () => {
    const { provider, caller } = await trio();
    const reasons = new Collector<SpokeError>('reasons');
    await provider.client.provide('slow', async (_: unknown, context) => reasons.add(await aborted(context)));
    const code = codeOf(caller.client.call('slow', 1, { timeout: 500 }));
    await clock.advance(500);
    expect(await code).toBe('TIMEOUT');
    expect(['TIMEOUT', 'ABORTED']).toContain((await reasons.next()).code);
  });

  it('aborts by its own clock when the caller cannot be heard any more', async () => {
    const { provider, caller } = await trio();
    const reasons = new Collector<SpokeError>('reasons');
    await provider.client.provide('slow', async (_: unknown, context) => reasons.add(await aborted(context)));
    const code = codeOf(caller.client.call('slow', 1, { timeout: 500 }));
    await clock.idle();
    caller.tap.connection.stallWriting();
    await clock.advance(500);
    expect(await code).toBe('TIMEOUT');
    expect(await reasons.next()).toMatchObject({ code: 'TIMEOUT' });
  });

  it('has aborted when it is first looked at after that', async () => {
    const { provider, caller } = await trio();
    const contexts = new Collector<CallContext>('contexts');
    let finish = (): void => {};
    await provider.client.provide('slow', async (_: unknown, context) => {
      contexts.add(context);
      await new Promise<void>((resolve) => (finish = resolve));
    });
    const code = codeOf(caller.client.call('slow', 1, { timeout: 100 }));
    const context = await contexts.next();
    await clock.advance(100);
    expect(await code).toBe('TIMEOUT');
    expect(context.signal.aborted).toBe(true);
    finish();
    await clock.idle();
    expect(clock.timers).toBe(0);
  });

  it('is not aborted by an answer, and leaves no timer', async () => {
    const { provider, caller } = await trio();
    let signal: AbortSignal | undefined;
    await provider.client.provide('echo', (value: unknown, context) => {
      ({ signal } = context);
      return value;
    });
    expect(await caller.client.call('echo', 1)).toBe(1);
    expect(signal?.aborted).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it('is that of its own call, of many', async () => {
    const { provider, caller } = await trio();
    const ended = new Collector<number>('ended');
    await provider.client.provide('slow', async (n: number, context) => {
      await aborted(context);
      ended.add(n);
    });
    const aborts = [1, 2, 3].map((n) => {
      const abort = new AbortController();
      void codeOf(caller.client.call('slow', n, { signal: abort.signal }));
      return abort;
    });
    await clock.idle();
    aborts[1]?.abort();
    expect(await ended.next()).toBe(2);
    await clock.idle();
    expect(ended.items).toEqual([2]);
    for (const abort of aborts) abort.abort();
    await clock.idle();
  });
});

describe('the time that is left', () => {
  it('is what the caller waits for, less what has passed', async () => {
    const { provider, caller } = await trio();
    await provider.client.provide('left', (_: unknown, context) => context.remaining());
    expect(await caller.client.call('left', 0, { timeout: 1500 })).toBe(1500);
  });

  it('is without end when the caller waits for ever, or does not say', async () => {
    const { provider, caller } = await trio();
    const left: number[] = [];
    await provider.client.provide('left', (_: unknown, context) => void left.push(context.remaining()));
    await caller.client.call('left', 0, { timeout: Infinity });
    await caller.client.call('left');
    const peer = await stage.raw();
    peer.subscribe('left/-rpc/peer/1/result');
    peer.publish('left/-rpc/peer/1/call', 'null');
    await peer.next();
    expect(left).toEqual([Infinity, Infinity, Infinity]);
  });

  it('travels along: a nested call has no more of it, and ends with the outer one', async () => {
    const { provider, second, caller } = await trio();
    const inner = new Collector<CallContext>('inner');
    await second.client.provide('inner', async (_: unknown, context) => {
      inner.add(context);
      await aborted(context);
    });
    await provider.client.provide('outer', async (_: unknown, context) =>
      context.call('inner', null, { timeout: 9e9 }),
    );
    const abort = new AbortController();
    const code = codeOf(caller.client.call('outer', 1, { timeout: 800, signal: abort.signal }));
    const context = await inner.next();
    expect(context.remaining()).toBe(800);
    abort.abort();
    expect(await code).toBe('ABORTED');
    await clock.idle();
    expect(context.signal.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it('that is over makes a nested call fail at once', async () => {
    const { provider, second, caller } = await trio();
    const made: unknown[] = [];
    const codes = new Collector<unknown>('codes');
    await second.client.provide('inner', (value: unknown) => void made.push(value));
    let go = (): void => {};
    await provider.client.provide('outer', async (_: unknown, context) => {
      await new Promise<void>((resolve) => (go = resolve));
      codes.add(await codeOf(context.call('inner')));
    });
    const code = codeOf(caller.client.call('outer', 1, { timeout: 100 }));
    await clock.advance(100);
    expect(await code).toBe('TIMEOUT');
    go();
    expect(['TIMEOUT', 'ABORTED']).toContain(await codes.next());
    await clock.idle();
    expect(made).toEqual([]);
  });
});

it('a procedure knows who calls by the random name of the caller, the same for all its calls', async () => {
  const { provider, second, caller } = await trio();
  await provider.client.provide('who', (_: unknown, { procedure, caller: who }) => [procedure, who]);
  const first = await caller.client.call<string[]>('who');
  expect(first).toEqual(['who', expect.stringMatching(/^-[0-9a-f]{24}$/)]);
  expect(await caller.client.call('who')).toEqual(first);
  expect(await second.client.call('who')).not.toEqual(first);
});

describe('progress', () => {
  it('comes in order and before the result, to those who asked for it', async () => {
    const { provider, caller } = await trio();
    await provider.client.provide('work', async (_: unknown, context) => {
      for (const percent of [0, 50, 100]) await context.progress({ percent });
      return 'done';
    });
    const seen: unknown[] = [];
    expect(await caller.client.call('work', null, { onProgress: (value) => seen.push(value) })).toBe('done');
    expect(seen).toEqual([{ percent: 0 }, { percent: 50 }, { percent: 100 }]);
    expect(await caller.client.call('work')).toBe('done');
    expect(seen).toHaveLength(3);
  });

  it('is not sent to those who did not ask, peers among them', async () => {
    const { provider } = await trio();
    await provider.client.provide('work', async (_: unknown, context) => {
      await context.progress(50);
      return 'done';
    });
    const peer = await stage.raw();
    peer.subscribe('work/-rpc/peer/1/*');
    peer.publish('work/-rpc/peer/1/call', 'null');
    expect(await peer.take(2)).toMatchObject([{ body: null }, { body: { okay: 'done' } }]);
  });
});
