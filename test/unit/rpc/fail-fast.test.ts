// Calls that nobody can answer, or nobody any more, end at once; and so does the work for callers that have gone.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, SpokeError } from 'spoke';
import { RpcError } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { RawConnection } from '../../support/raw-connection.js';

let net: MemoryNetwork;
let broker: Broker;
beforeEach(async () => {
  net = memoryNetwork({ seed: 5 });
  broker = await net.broker({ name: 'home' });
});
afterEach(async () => net.close());

function outcomeOf(promise: Promise<unknown>): { result?: unknown } {
  const outcome: { result?: unknown } = {};
  promise.then(
    (value) => (outcome.result = value),
    (error: SpokeError) => (outcome.result = error.code),
  );
  return outcome;
}

const never = async (): Promise<never> => new Promise(() => {});

/** A program of another library. */
async function peer(): Promise<RawConnection> {
  return RawConnection.open(net.transport('peer'), 'memory://home');
}

describe('a call that nobody provides', () => {
  it('is NO_PROVIDER within a round trip, and may be tried again', async () => {
    const caller = await net.client();
    const call = caller.call('nobody', 1, { timeout: Infinity });
    const error = await call.catch((reason: SpokeError) => reason);
    expect(error).toMatchObject({
      code: 'NO_PROVIDER',
      message: 'nobody provides nobody',
      retryable: true,
      details: { procedure: 'nobody' },
    });
    expect(error).not.toBeInstanceOf(RpcError);
    const provider = await net.client();
    await provider.provide('nobody', () => 'somebody');
    expect(await caller.call('nobody')).toBe('somebody');
  });

  it('is that also when others listen to everything, for themselves or as a group, and to the caller itself', async () => {
    const caller = await net.client();
    const monitor = await net.client();
    for (const client of [caller, monitor]) {
      await client.subscribe('**', () => {});
      await client.subscribe('math/**', () => {});
      await client.subscribe('math/-rpc/**', () => {}, { group: 'logs' });
      await client.subscribe('**', () => {}, { group: 'logs' });
    }
    await expect(caller.call('math', 1, { timeout: Infinity })).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });

  it('is that again as soon as its provider has closed', async () => {
    const [caller, provider] = [await net.client(), await net.client()];
    const provided = await provider.provide('math', () => 1);
    expect(await caller.call('math')).toBe(1);
    await provided.close();
    await provider.flush();
    await expect(caller.call('math')).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });

  it('is that for streams as well', async () => {
    const caller = await net.client();
    await expect(caller.stream('nobody').next()).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });

  it('is nothing to a peer: it waits as it always did', async () => {
    const other = await peer();
    other.subscribe('nobody/-rpc/peer/1/result');
    other.publish('nobody/-rpc/peer/1/call', '1');
    expect(await other.flush()).toEqual([]);
    await other.close();
  });

  it('still reaches those who listen', async () => {
    const [caller, monitor] = [await net.client(), await net.client()];
    const seen: unknown[] = [];
    await monitor.subscribe('**/call', ({ body }) => seen.push(body));
    await expect(caller.call('nobody', 'hello')).rejects.toMatchObject({ code: 'NO_PROVIDER' });
    await net.idle();
    expect(seen).toEqual(['hello']);
  });
});

describe('a call whose provider is lost', () => {
  it('is PROVIDER_LOST at once', async () => {
    const [caller, provider] = [await net.client(), await net.client({ name: 'provider' })];
    await provider.provide('slow', never);
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    expect(outcome.result).toBeUndefined();
    net.cut(provider, broker);
    await net.idle();
    expect(outcome.result).toBe('PROVIDER_LOST');
  });

  it('is that with a provider of the peers, and with the caller itself closing its other client', async () => {
    const [caller, other] = [await net.client(), await peer()];
    other.subscribe('slow/-rpc/**/call');
    await other.flush();
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    await other.close();
    await net.idle();
    expect(outcome.result).toBe('PROVIDER_LOST');
  });

  it('goes on while another one has it as well', async () => {
    const caller = await net.client();
    const providers = [await net.client(), await net.client()];
    let finish = (_: string): void => {};
    for (const provider of providers) {
      await provider.provide('slow', async () => new Promise<string>((resolve) => (finish = resolve)), {
        group: false,
      });
    }
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    await providers[0]?.close();
    await net.idle();
    expect(outcome.result).toBeUndefined();
    finish('answered');
    await net.idle();
    expect(outcome.result).toBe('answered');
  });

  it('is PROVIDER_LOST for a stream, after the items that came', async () => {
    const [caller, provider] = [await net.client(), await net.client({ name: 'provider' })];
    await provider.provide('ticks', async function* ticks() {
      yield 1;
      yield 2;
      await never();
    });
    const items = caller.stream('ticks');
    expect((await items.next()).value).toBe(1);
    await net.idle();
    net.cut(provider, broker);
    await net.idle();
    expect((await items.next()).value).toBe(2);
    await expect(items.next()).rejects.toMatchObject({ code: 'PROVIDER_LOST' });
  });

  it('is not taken for lost that has been answered, or given up', async () => {
    const [caller, provider] = [await net.client(), await net.client()];
    await provider.provide('fast', () => 'done');
    await provider.provide('slow', never);
    expect(await caller.call('fast')).toBe('done');
    const abort = new AbortController();
    const outcome = outcomeOf(caller.call('slow', 1, { signal: abort.signal }));
    await net.idle();
    abort.abort();
    await net.idle();
    const results: unknown[] = [];
    await caller.subscribe('**/result', ({ body }) => results.push(body));
    await provider.close();
    await net.idle();
    expect(outcome.result).toBe('ABORTED');
    expect(results).toEqual([]);
  });
});

describe('a caller that is lost', () => {
  it('aborts the signals of its calls, and ends its streams', async () => {
    const [caller, provider] = [await net.client({ name: 'caller' }), await net.client()];
    const reasons: unknown[] = [];
    await provider.provide('slow', async (_: unknown, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      reasons.push(signal.reason);
    });
    let ended = false;
    await provider.provide('ticks', async function* ticks() {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        ended = true;
      }
    });
    const items = caller.stream('ticks');
    await items.next();
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    net.cut(caller, broker);
    await net.idle();
    expect(outcome.result).toBe('CONNECTION_LOST');
    expect(reasons).toMatchObject([{ code: 'ABORTED' }]);
    expect(ended).toBe(true);
  });

  it('is no affair of a provider of the peers', async () => {
    const [caller, other] = [await net.client({ name: 'caller' }), await peer()];
    other.subscribe('slow/-rpc/**/call');
    await other.flush();
    void outcomeOf(caller.call('slow'));
    await other.next();
    net.cut(caller, broker);
    await net.idle();
    expect(await other.flush()).toEqual([]);
    await other.close();
  });
});

describe('beyond a bridge', () => {
  let far: Broker;
  let caller: Client;
  beforeEach(async () => {
    far = await net.broker({ name: 'far' });
    caller = await net.client({ to: broker });
  });

  it.each(['monitors', 'nobody'])('nobody provides it: NO_PROVIDER, with %s there', async (who) => {
    const monitor = await net.client({ to: far });
    if (who === 'monitors') await monitor.subscribe('**', () => {});
    await net.bridge(broker, far);
    await net.idle();
    await expect(net.until(caller.call('math', 1))).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });

  it.each(['default', false] as const)('a provider counts, in the group %p', async (group) => {
    const provider = await net.client({ to: far });
    await net.bridge(broker, far);
    const provided = await provider.provide('math', (n: number) => n * n, { group });
    await net.idle();
    expect(await net.until(caller.call('math', 7))).toBe(49);
    await provided.close();
    await net.idle();
    await expect(net.until(caller.call('math', 7))).rejects.toMatchObject({ code: 'NO_PROVIDER' });
  });

  it.each(['default', false] as const)('a provider is lost: PROVIDER_LOST, in the group %p', async (group) => {
    const provider = await net.client({ to: far });
    await net.bridge(broker, far);
    await provider.provide('slow', never, { group });
    await net.idle();
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    expect(outcome.result).toBeUndefined();
    net.cut(provider, far);
    await net.idle();
    expect(outcome.result).toBe('PROVIDER_LOST');
  });

  it('the bridge is lost: PROVIDER_LOST', async () => {
    const provider = await net.client({ to: far });
    const bridge = await net.bridge(broker, far);
    await provider.provide('slow', never);
    await net.idle();
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    net.cut(bridge, broker);
    await net.idle();
    expect(outcome.result).toBe('PROVIDER_LOST');
  });

  it('the last provider leaves while the call is on its way: NO_PROVIDER', async () => {
    const provider = await net.client({ to: far });
    await net.bridge(broker, far);
    const provided = await provider.provide('math', (n: number) => n * n);
    await net.idle();
    net.latency(10);
    const outcome = outcomeOf(caller.call('math', 7, { timeout: Infinity }));
    const closed = provided.close();
    await net.advance(200);
    expect(outcome.result).toBe('NO_PROVIDER');
    net.latency(0);
    await net.until(closed);
  });

  it('the other broker is lost: PROVIDER_LOST', async () => {
    const provider = await net.client({ to: far });
    await net.bridge(broker, far);
    await provider.provide('slow', never);
    await net.idle();
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    expect(outcome.result).toBeUndefined();
    await net.crash(far);
    await net.idle();
    expect(outcome.result).toBe('PROVIDER_LOST');
  });

  it('the way to the other broker is cut: PROVIDER_LOST, and a call made meanwhile waits for it', async () => {
    const provider = await net.client({ to: far });
    const bridge = await net.bridge(broker, far);
    await provider.provide('slow', never);
    await provider.provide('math', (n: number) => n * n);
    await net.idle();
    const lost = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    net.cut(bridge, far);
    await net.idle();
    expect(lost.result).toBe('PROVIDER_LOST');
    const waiting = outcomeOf(caller.call('math', 7, { timeout: Infinity }));
    await net.advance('5 s');
    expect(waiting.result).toBe(49);
  });

  it.each(['default', false] as const)('a caller is lost: the provider is told, in the group %p', async (group) => {
    const provider = await net.client({ to: far });
    await net.bridge(broker, far);
    const reasons: unknown[] = [];
    await provider.provide(
      'slow',
      async (_: unknown, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reasons.push(signal.reason);
      },
      { group },
    );
    await net.idle();
    const outcome = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.idle();
    net.cut(caller, broker);
    await net.idle();
    expect(outcome.result).toBe('CONNECTION_LOST');
    expect(reasons).toMatchObject([{ code: 'ABORTED' }]);
  });

  it('streams flow with back-pressure, and cancel reaches the provider', async () => {
    const provider = await net.client({ to: far });
    await net.bridge(broker, far);
    const seen = { sent: 0, ended: false };
    await provider.provide('count', async function* count() {
      try {
        for (;;) yield ++seen.sent;
      } finally {
        seen.ended = true;
      }
    });
    await net.idle();
    for await (const n of caller.stream<number>('count')) if (n === 200) break;
    await net.idle();
    expect(seen.sent).toBeLessThan(300);
    expect(seen.ended).toBe(true);
  });

  it('one of several providers in one group executes, wherever they are', async () => {
    const made: string[] = [];
    await net.bridge(broker, far);
    for (const [name, to] of [
      ['a', broker],
      ['b', broker],
      ['c', far],
    ] as const) {
      const provider = await net.client({ to });
      await provider.provide('work', () => void made.push(name));
    }
    await net.idle();
    for (let n = 0; n < 10; n++) await net.until(caller.call('work', n));
    await net.idle();
    expect(made).toHaveLength(10);
  });
});

describe('a provider that closes', () => {
  it('ends a stream whose reader was told that it is lost: no timer stays behind', async () => {
    const [caller, provider] = [await net.client(), await net.client({ name: 'provider', closeTimeout: 100 })];
    await provider.provide('count', async function* () {
      for (let n = 0; ; n++) yield n;
    });
    const items = caller.stream<number>('count', 0, { window: 2 });
    await items.next();
    net.cut('provider', 'home');
    await net.advance('1 s');
    await net.until(caller.close());
    await net.until(provider.close());
    await net.until(broker.close());
    expect(net.clock.timers).toBe(0);
  });
});
