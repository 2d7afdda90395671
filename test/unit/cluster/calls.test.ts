// Remote calls between clients of different brokers: fail fast, run once, end with their caller.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Broker, Client, SpokeError } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';
import { RawConnection } from '../../support/raw-connection.js';

const ROUND_TRIP = 45;

let net: MemoryNetwork;
let brokers: Broker[];

beforeEach(async () => {
  net = memoryNetwork({ seed: 7, latency: [1, 20] });
  brokers = [];
  for (let n = 1; n <= 3; n++) brokers.push(await net.broker({ name: `broker-${n}`, cluster: true }));
});

afterEach(async () => {
  await net.close();
});

const at = (n: number, name?: string): Promise<Client> =>
  net.client({ to: `broker-${n}`, ...(name !== undefined && { name }) });

async function crash(n: number): Promise<void> {
  const broker = brokers[n - 1];
  if (broker !== undefined) await net.crash(broker);
}

function outcomeOf(promise: Promise<unknown>): { result?: unknown; at?: number } {
  const outcome: { result?: unknown; at?: number } = {};
  const note = (result: unknown): void => void Object.assign(outcome, { result, at: net.clock.monotonic() });
  promise.then(note, (error: SpokeError) => note(error.code));
  return outcome;
}

const never = async (): Promise<never> => new Promise(() => {});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('a call in a cluster', () => {
  it('that nobody provides at any broker is NO_PROVIDER within a round trip to its own', async () => {
    const caller = await at(1);
    await net.until((await at(2)).subscribe('**', () => {}));
    await net.until((await at(3)).subscribe('**', () => {}, { group: 'logs' }));
    const call = outcomeOf(caller.call('nobody', 1, { timeout: Infinity }));
    await net.advance(ROUND_TRIP);
    expect(call.result).toBe('NO_PROVIDER');
  });

  it('finds a provider at any broker as soon as that has provided it', async () => {
    for (const n of [1, 2, 3]) {
      const provider = await at(n);
      await net.until(provider.provide(`p${n}`, (x: number) => x + n));
      for (const from of [1, 2, 3]) expect(await net.until((await at(from)).call(`p${n}`, 10))).toBe(10 + n);
    }
  });

  it('is NO_PROVIDER again when its provider has closed', async () => {
    const [caller, provider] = [await at(1), await at(2)];
    const provided = await net.until(provider.provide('math', () => 1));
    expect(await net.until(caller.call('math'))).toBe(1);
    await net.until(provided.close());
    await net.advance(100);
    await expect(net.until(caller.call('math', 1, { timeout: Infinity }))).rejects.toMatchObject({
      code: 'NO_PROVIDER',
    });
  });

  it('is run by exactly one provider, each of them in turn, wherever they are', async () => {
    const ran = [0, 0, 0, 0];
    for (const [i, n] of [1, 2, 2, 3].entries()) {
      await net.until((await at(n)).provide('work', (x: number) => ((ran[i] = (ran[i] ?? 0) + 1), x)));
    }
    for (const n of [1, 2, 3]) {
      const caller = await at(n);
      const calls = numbers(20).map((x) => caller.call('work', x));
      expect(await net.until(Promise.all(calls))).toEqual(numbers(20));
    }
    expect(ran).toEqual([15, 15, 15, 15]);
  });

  it('is run by all who provide it for themselves, and the first answer counts', async () => {
    let ran = 0;
    for (const n of [1, 2, 3]) {
      await net.until((await at(n)).provide('all', () => ++ran, { group: false }));
    }
    expect(await net.until((await at(2)).call('all'))).toBe(1);
    await net.advance('1 s');
    expect(ran).toBe(3);
  });

  it('is answered by a provider of another library, and of callers of one', async () => {
    const peer = await net.until(RawConnection.open(net.transport('peer'), 'memory://broker-3'));
    peer.subscribe('old/-rpc/**/call');
    await net.advance('1 s');
    const call = outcomeOf((await at(1)).call('old', 1, { timeout: Infinity }));
    await net.advance('1 s');
    expect(call).toEqual({});
    const frame = (await peer.frames.takeUntil((one) => one.includes('/call'))).at(-1) ?? '';
    const { channel } = (JSON.parse(frame) as { head: { channel: string } }).head;
    peer.publish(channel.replace(/call$/, 'result'), '{"okay": 7}');
    await net.advance('1 s');
    expect(call.result).toBe(7);

    await net.until((await at(2)).provide('new', () => 5));
    const caller = await net.until(RawConnection.open(net.transport('caller'), 'memory://broker-1'));
    caller.subscribe('new/-rpc/me/1/result');
    caller.publish('new/-rpc/me/1/call', '1');
    await net.advance('1 s');
    const frames = await caller.frames.takeUntil((one) => one.includes('okay'));
    expect(JSON.parse(frames.at(-1) ?? '')).toMatchObject({ body: { okay: 5 } });
  });

  it('does not bring a broker anything but the answers to its calls', async () => {
    const [caller, provider, publisher] = [await at(1), await at(2), await at(3)];
    await net.until(provider.provide('math', (x: number) => x));
    await net.until(caller.call('math', 1));
    const before = brokers[0]?.stats.cluster?.received ?? 0;
    for (const n of numbers(50)) void publisher.publish(`other/${n}`, n);
    await net.until(caller.call('math', 1));
    await net.advance('1 s');
    expect(brokers[0]?.stats.cluster).toMatchObject({ received: before, wasted: 0 });
  });

  it('and its answer are seen once by a monitor at each broker', async () => {
    const seen: string[][] = [];
    for (const n of [1, 2, 3]) {
      const list: string[] = [];
      seen.push(list);
      await net.until((await at(n)).subscribe('math/**', ({ channel }) => void list.push(channel.slice(-6))));
    }
    await net.until((await at(2)).provide('math', (x: number) => x));
    await net.until((await at(1)).call('math', 1));
    await net.advance('1 s');
    for (const list of seen) expect(list.sort()).toEqual(['/1/call', 'result'].map((one) => one.slice(-6)).sort());
  });
});

describe('a call in flight in a cluster', () => {
  async function inFlight(options: { group?: false } = {}) {
    const [caller, provider] = [await at(1, 'caller'), await at(2, 'provider')];
    const signals: AbortSignal[] = [];
    await net.until(
      provider.provide(
        'slow',
        async (_: unknown, { signal }) => {
          signals.push(signal);
          return never();
        },
        options,
      ),
    );
    const abort = new AbortController();
    const call = outcomeOf(caller.call('slow', 1, { timeout: Infinity, signal: abort.signal }));
    await net.advance('5 s');
    expect([call, signals.length]).toEqual([{}, 1]);
    return { caller, provider, call, signals, abort };
  }

  it.each([{}, { group: false as const }])(
    'is PROVIDER_LOST at once when its provider is lost (%j)',
    async (options) => {
      const { call } = await inFlight(options);
      net.cut('provider', 'broker-2');
      await net.advance(ROUND_TRIP);
      expect(call.result).toBe('PROVIDER_LOST');
    },
  );

  it('is PROVIDER_LOST in a few seconds when the broker of its provider is killed', async () => {
    const { call } = await inFlight();
    await crash(2);
    await net.advance('4 s');
    expect(call.result).toBe('PROVIDER_LOST');
  });

  it('is PROVIDER_LOST when the engine cuts off the broker of its provider', async () => {
    const { call, signals } = await inFlight();
    net.engine.partition('broker-2');
    await net.advance('5 s');
    expect(call.result).toBe('PROVIDER_LOST');
    expect(signals[0]?.aborted).toBe(true);
  });

  it('goes on when one of its providers is lost and others are not', async () => {
    const [caller, one, other] = [await at(1), await at(2, 'one'), await at(3)];
    const release: ((value: string) => void)[] = [];
    const wait = (): Promise<string> => new Promise((resolve) => release.push(resolve));
    for (const provider of [one, other]) await net.until(provider.provide('both', wait, { group: false }));
    const call = outcomeOf(caller.call('both', 1, { timeout: Infinity }));
    await net.advance('1 s');
    net.cut('one', 'broker-2');
    await net.advance('5 s');
    expect(call).toEqual({});
    for (const resolve of release) resolve('done');
    await net.advance('1 s');
    expect(call.result).toBe('done');
  });

  it('is aborted at its provider when the caller gives up, is over its deadline, is lost, or its broker is killed', async () => {
    const ways: ((flight: Awaited<ReturnType<typeof inFlight>>) => unknown)[] = [
      ({ abort }) => abort.abort(),
      () => net.cut('caller', 'broker-1'),
      () => crash(1),
    ];
    for (const [n, way] of ways.entries()) {
      const flight = await inFlight();
      await way(flight);
      await net.advance(n === 2 ? '4 s' : ROUND_TRIP * 2);
      expect(flight.signals[0]?.aborted).toBe(true);
      await net.until(Promise.all([flight.caller.close(), flight.provider.close()]));
    }
  });

  it('tells its provider how long the caller waits, and the caller of progress', async () => {
    const [caller, provider] = [await at(1), await at(3)];
    const left: number[] = [];
    await net.until(
      provider.provide('climb', async (_: unknown, context) => {
        left.push(context.remaining());
        for (const step of [1, 2, 3]) await context.progress(step);
        return 'top';
      }),
    );
    const progress: unknown[] = [];
    const call = caller.call('climb', 0, { timeout: 5000, onProgress: (value) => void progress.push(value) });
    expect(await net.until(call)).toBe('top');
    expect(progress).toEqual([1, 2, 3]);
    expect(left[0]).toBeGreaterThan(4000);
    expect(left[0]).toBeLessThanOrEqual(5000);
  });

  it('streams items in order, and no faster than they are read', async () => {
    const [caller, provider] = [await at(2), await at(1)];
    let made = 0;
    await net.until(
      provider.provide('count', async function* (to: number) {
        while (made < to) yield ++made;
      }),
    );
    const items = caller.stream<number>('count', 500, { window: 16 });
    const read: unknown[] = [(await net.until(items.next())).value];
    await net.advance('10 s');
    expect(made).toBeLessThanOrEqual(32);
    for (;;) {
      const item = await net.until(items.next());
      if (item.done === true) break;
      read.push(item.value);
    }
    expect(read).toEqual(numbers(500).map((n) => n + 1));
  });

  it('ends a stream at its provider when the reader leaves, and at the reader when the provider is lost', async () => {
    const [caller, provider] = [await at(2), await at(1, 'streamer')];
    let ended = 0;
    await net.until(
      provider.provide('endless', async function* () {
        try {
          for (let n = 0; ; n++) yield n;
        } finally {
          ended++;
        }
      }),
    );
    const left = caller.stream<number>('endless', 0);
    await net.until(left.next());
    await net.until(Promise.resolve(left.return?.(undefined)));
    await net.advance('1 s');
    expect(ended).toBe(1);
    const lost = caller.stream<number>('endless', 0, { window: 4 });
    await net.until(lost.next());
    net.cut('streamer', 'broker-1');
    await net.advance('1 s');
    const rest = (async () => {
      for await (const item of lost) expect(typeof item).toBe('number');
    })();
    await expect(net.until(rest)).rejects.toMatchObject({ code: 'PROVIDER_LOST' });
  });

  it('is answered before its broker ends, and new ones go to others', async () => {
    const [caller, first, second] = [await at(1), await at(2), await at(3)];
    const release: ((value: string) => void)[] = [];
    await net.until(first.provide('task', () => new Promise<string>((resolve) => release.push(resolve))));
    const call = outcomeOf(caller.call('task', 1));
    await net.advance('1 s');
    const closing = brokers[1]?.close();
    await net.advance(100);
    await net.until(second.provide('task', () => 'second'));
    expect(await net.until(caller.call('task', 2))).toBe('second');
    for (const resolve of release) resolve('first');
    await net.until(closing ?? Promise.resolve());
    await net.advance(100);
    expect(call.result).toBe('first');
  });

  it('fails when it was lost on its way: its broker asks, and does not wait for the timeout', async () => {
    const [caller, provider] = [await at(1), await at(2)];
    await net.until(provider.provide('slow', never));
    net.engine.stop();
    const call = outcomeOf(caller.call('slow', 1, { timeout: Infinity }));
    await net.advance(10);
    net.engine.start();
    await net.advance('5 s');
    expect(['NO_PROVIDER', 'PROVIDER_LOST']).toContain(call.result);
  });
});
