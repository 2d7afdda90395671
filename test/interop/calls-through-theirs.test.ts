// What calls of ours have beyond those of the peers, with brokers of the peers in between: as far as messages alone carry it.

import { afterEach, describe, expect, it } from '@jest/globals';
import type { Client } from 'spoke';
import { Bridge, RpcError } from 'spoke';
import { Collector } from '../support/collector.js';
import { Scene } from './scene.js';

const scene = new Scene();
const bridges: Bridge[] = [];
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.close();
  await scene.close();
});

interface Ends {
  readonly caller: Client;
  readonly provider: Client;
}

async function bridge(url1: string, url2: string): Promise<void> {
  const one = new Bridge({ url1, url2 });
  bridges.push(one);
  await one.start({ timeout: 5000 });
}

const PLACES: readonly { readonly place: string; readonly ends: () => Promise<Ends> }[] = [
  {
    place: 'on a broker of theirs',
    ends: async () => {
      const { url } = await scene.foreignServer();
      return { caller: (await scene.client(url)).client, provider: (await scene.client(url)).client };
    },
  },
  {
    place: 'on two of ours with one of theirs between them',
    ends: async () => {
      const [one, middle, two] = [await scene.broker(), await scene.foreignServer(), await scene.broker()];
      await bridge(one.url, middle.url);
      await bridge(middle.url, two.url);
      return { caller: (await scene.client(one.url)).client, provider: (await scene.client(two.url)).client };
    },
  },
];

/** Resolves when calls get there: brokers tell each other a moment later what is provided. */
async function reaching({ caller, provider }: Ends): Promise<void> {
  await provider.provide('app/ready', () => true);
  for (;;) {
    const answer = await caller.call('app/ready', null, { timeout: 500 }).catch(() => false);
    if (answer === true) return;
  }
}

describe.each(PLACES)('Between clients of ours $place', ({ ends }) => {
  it('an error keeps its code and data', async () => {
    const { caller, provider } = await ends();
    await provider.provide('app/fail', () => {
      throw new RpcError('NO_ARM', 'no such arm', { arm: 7 });
    });
    await reaching({ caller, provider });
    await expect(caller.call('app/fail', null, { timeout: 5000 })).rejects.toMatchObject({
      code: 'NO_ARM',
      message: 'no such arm',
      data: { arm: 7 },
    });
  });

  it('a stream comes item by item, no further ahead than its window, and ends where its reader does', async () => {
    const { caller, provider } = await ends();
    let made = 0;
    const ended = new Collector<number>('the end of the stream');
    await provider.provide('app/count', async function* () {
      try {
        for (;;) yield ++made;
      } finally {
        ended.add(made);
      }
    });
    await reaching({ caller, provider });
    const taken: number[] = [];
    for await (const item of caller.stream<number>('app/count', null, { window: 4, timeout: 5000 })) {
      taken.push(item);
      expect(made - taken.length).toBeLessThanOrEqual(8);
      if (taken.length === 50) break;
    }
    expect(taken).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    const [last] = await ended.take(1);
    expect(last).toBeLessThanOrEqual(58);
  });

  it('progress comes before the result, and an abort reaches the procedure', async () => {
    const { caller, provider } = await ends();
    const aborted = new Collector<unknown>('aborts');
    await provider.provide('app/work', async (wait: boolean, call) => {
      await call.progress('half');
      if (!wait) return 'done';
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
      aborted.add(call.signal.reason);
      return 'late';
    });
    await reaching({ caller, provider });
    const progress: unknown[] = [];
    const onProgress = (part: unknown) => progress.push(part);
    expect(await caller.call('app/work', false, { timeout: 5000, onProgress })).toBe('done');
    expect(progress).toEqual(['half']);

    const abort = new AbortController();
    const call = caller.call('app/work', true, { signal: abort.signal, onProgress: () => abort.abort() });
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await aborted.take(1)).toEqual([expect.objectContaining({ code: 'ABORTED' })]);
  });

  it('nobody can tell that a procedure is provided nowhere: the call waits for its timeout', async () => {
    const { caller, provider } = await ends();
    await reaching({ caller, provider });
    await expect(caller.call('app/nothing', null, { timeout: 300 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  });
});
