// Remote calls: the same on every network.

import { expect, it } from '@jest/globals';

import type { SpokeError } from '../../src/contracts/index.js';
import { RpcService } from '../../src/rpc/index.js';
import { Collector } from '../support/collector.js';
import { within } from '../support/within.js';
import { onEveryNetwork } from './networks.js';

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

onEveryNetwork((stage) => {
  it('a service on a shared client ends without it', async () => {
    const broker = await stage().broker();
    const [client, other] = [await stage().client(), await stage().client()];
    await other.provide('never', async () => new Promise(() => {}));
    const before = broker.stats.subscriptions;
    const service = new RpcService(client);
    await service.provide('here', () => 1);
    const waiting = service.call('never');
    await client.flush();
    await service.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(service.call('never')).rejects.toMatchObject({ code: 'CLOSED' });
    await client.flush();
    expect(broker.stats.subscriptions).toBe(before);
  });

  it('a timeout that is no time is a mistake, and told as one', async () => {
    await stage().broker();
    const client = await stage().client();
    await expect(client.call('x', 1, { timeout: NaN })).rejects.toThrow(TypeError);
    await expect(client.flush({ timeout: -1 })).rejects.toThrow(TypeError);
  });

  it('a call brings back what the procedure returns, whatever that is', async () => {
    await stage().broker();
    const [provider, caller] = [await stage().client(), await stage().client()];
    await provider.provide('echo', async (value: unknown) => value);
    for (const value of [null, 0, -1.25, '', 'ä😀', [], [[1], {}], { a: { b: null } }]) {
      expect(await caller.call('echo', value)).toEqual(value);
    }
    expect(await caller.call('echo')).toBeNull();
  });

  it('what a procedure throws is an error of the caller', async () => {
    await stage().broker();
    const [provider, caller] = [await stage().client(), await stage().client()];
    await provider.provide('fails', () => {
      throw new Error('no such robot');
    });
    await expect(caller.call('fails')).rejects.toMatchObject({ code: 'REMOTE', message: 'no such robot' });
  });

  it('thousands are in flight at once, over one subscription, and each gets its own answer', async () => {
    const broker = await stage().broker();
    const [provider, caller] = [await stage().client(), await stage().client()];
    const waiting = new Collector<() => void>('calls');
    await provider.provide('square', async (n: number) => {
      await new Promise<void>((resolve) => waiting.add(resolve));
      return n * n;
    });
    const calls = upTo(3000).map(async (n) => caller.call<number>('square', n));
    for (const answer of (await waiting.take(3000)).reverse()) answer();
    expect(await within(Promise.all(calls), 'all the answers')).toEqual(upTo(3000).map((n) => n * n));
    expect(broker.stats.subscriptions).toBe(3);
  });

  it('a call that nobody answers ends by its timeout or its signal', async () => {
    await stage().broker();
    const caller = await stage().client();
    const provider = await stage().client();
    await provider.provide('hang', async () => new Promise<never>(() => {}));
    const abort = new AbortController();
    const calls = [caller.call('hang', 1, { timeout: 30 }), caller.call('hang', 1, { signal: abort.signal })];
    const codes = calls.map(async (call) => call.catch((error: SpokeError) => error.code));
    await caller.flush();
    abort.abort();
    expect(await within(Promise.all(codes), 'the ends')).toEqual(['TIMEOUT', 'ABORTED']);
  });

  it('a call that nobody provides ends at once, and one whose provider goes as well', async () => {
    await stage().broker();
    const caller = await stage().client();
    const code = async (call: Promise<unknown>) => call.catch((error: SpokeError) => error.code);
    expect(await within(code(caller.call('nobody', 1, { timeout: Infinity })), 'the end')).toBe('NO_PROVIDER');
    const { client, tap } = await stage().join();
    const called = new Collector<unknown>('calls');
    await client.provide('hang', async () => {
      called.add(1);
      return new Promise<never>(() => {});
    });
    const lost = code(caller.call('hang', 1, { timeout: Infinity }));
    await called.next();
    tap.connection.cut();
    expect(await within(lost, 'the end of the call')).toBe('PROVIDER_LOST');
  });

  it('a stream comes item by item, no faster than it is read, and ends for its provider when its reader leaves', async () => {
    await stage().broker();
    const provider = await stage().client();
    const caller = await stage().client();
    const ended = new Collector<unknown>('ends');
    let made = 0;
    await provider.provide('numbers', async function* () {
      try {
        for (;;) yield made++;
      } finally {
        ended.add('left');
      }
    });
    const read: unknown[] = [];
    for await (const item of caller.stream<number>('numbers', undefined, { window: 8 })) {
      read.push(item);
      if (read.length === 100) break;
    }
    expect(read).toEqual(upTo(100));
    expect(await within(ended.next(), 'the end of the stream')).toBe('left');
    expect(made).toBeLessThanOrEqual(120);
  });

  it('a call that its caller gives up aborts the signal of its procedure', async () => {
    await stage().broker();
    const provider = await stage().client();
    const caller = await stage().client();
    const seen = new Collector<unknown>('signals');
    await provider.provide('long', async (_: unknown, { signal }) => {
      seen.add('began');
      signal.addEventListener('abort', () => seen.add('aborted'));
      return new Promise<never>(() => {});
    });
    const abort = new AbortController();
    const call = caller.call('long', 1, { signal: abort.signal }).catch((error: SpokeError) => error.code);
    expect(await seen.next()).toBe('began');
    abort.abort();
    expect(await within(call, 'the end of the call')).toBe('ABORTED');
    expect(await seen.next()).toBe('aborted');
  });

  it('a call whose connection breaks rejects, and the next one works', async () => {
    await stage().broker();
    const provider = await stage().client();
    const { client, tap } = await stage().join();
    const called = new Collector<unknown>('calls');
    await provider.provide('work', async (argument: unknown) => {
      called.add(argument);
      return argument === 'hang' ? new Promise<never>(() => {}) : argument;
    });
    const hanging = client.call('work', 'hang', { timeout: Infinity }).catch((error: SpokeError) => error.code);
    await called.next();
    tap.connection.cut();
    expect(await within(hanging, 'the end of the call')).toBe('CONNECTION_LOST');
    expect(await client.call('work', 'again')).toBe('again');
  });

  it('a provider whose connection breaks is back after it', async () => {
    await stage().broker();
    const caller = await stage().client();
    const { client, tap } = await stage().join();
    await client.provide('work', (argument: unknown) => argument);
    expect(await caller.call('work', 1)).toBe(1);
    const back = new Promise<void>((resolve) => {
      client.on('state', (state) => {
        if (state === 'connected') resolve();
      });
    });
    tap.connection.cut();
    await within(back, 'the provider');
    await client.flush();
    expect(await caller.call('work', 2)).toBe(2);
  });

  it('programs that speak JSON call and provide on the same channels', async () => {
    await stage().broker();
    const client = await stage().client();
    const peer = await stage().raw();
    await client.provide('square', (n: number) => n * n);
    peer.subscribe('square/-rpc/peer/1/result');
    peer.publish('square/-rpc/peer/1/call', '7');
    expect(await peer.next()).toMatchObject({ body: { okay: 49 } });
    peer.subscribe('cube/-rpc/**/call');
    await peer.flush();
    const result = client.call('cube', 3);
    const { head, body } = await peer.next();
    peer.publish(head.channel.replace(/call$/, 'result'), `{"okay": ${Number(body) ** 3}}`);
    expect(await result).toBe(27);
  });
});
