// What a member of a group, or a provider, was given before it closes is done.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SpokeError } from '../../../src/contracts/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

const GROUP = { group: 'workers' };

let network: MemoryNetwork;
let publisher: Client;
beforeEach(async () => {
  network = memoryNetwork();
  await network.broker();
  publisher = await network.client({ name: 'publisher' });
});
afterEach(async () => network.close());

/** Something that a test lets happen. */
function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** A client that closes as soon as it was given a message. */
async function member(options: { readonly closeTimeout?: number } = {}) {
  const client = await network.client({ name: 'member', ...options });
  const errors: SpokeError[] = [];
  client.on('error', (error) => errors.push(error));
  return { client, errors };
}

describe('a member of a group that closes', () => {
  it('gets what was on its way to it on a network on which that takes seconds', async () => {
    const { client } = await member();
    const done: unknown[] = [];
    await network.until(client.subscribe('jobs', ({ body }) => done.push(body), GROUP));
    network.latency(1800);
    void publisher.publish('jobs', 'given');
    await network.advance(1800);
    const closed = client.close();
    await network.advance('10 s');
    await closed;
    expect(done).toEqual(['given']);
  });

  it('finishes what it is at work on, and may say what came of it', async () => {
    const { client } = await member();
    const results: unknown[] = [];
    await network.until(publisher.subscribe('done', ({ body }) => results.push(body)));
    const work = gate();
    const handler = async ({ body }: { readonly body: unknown }) => {
      await work.opened;
      await client.publish('done', body);
    };
    await network.until(client.subscribe('jobs', handler, GROUP));
    await publisher.publish('jobs', 1);
    await network.idle();
    const closed = client.close();
    await network.advance(1000);
    expect(client.state).toBe('connected');
    work.open();
    await network.until(closed);
    await network.idle();
    expect(results).toEqual([1]);
  });

  it('lets a loop read what it has, and ends it', async () => {
    const { client } = await member();
    const results: unknown[] = [];
    await network.until(publisher.subscribe('done', ({ body }) => results.push(body)));
    const work = gate();
    const reading = (async () => {
      for await (const { body } of client.messages('jobs', GROUP)) {
        await work.opened;
        await client.publish('done', body);
      }
    })();
    await network.idle();
    for (const n of [1, 2, 3]) await publisher.publish('jobs', n);
    await network.idle();
    const closed = client.close();
    await network.idle();
    work.open();
    await network.until(reading);
    await network.until(closed);
    await network.idle();
    expect(results).toEqual([1, 2, 3]);
  });

  it('does not wait for a loop that has nothing to do, nor for one that was left', async () => {
    const { client } = await member();
    const idle = client.messages('jobs', GROUP).next();
    const left = (async () => {
      for await (const { body } of client.messages('jobs/left', GROUP)) return body;
      return undefined;
    })();
    await network.idle();
    await publisher.publish('jobs/left', 1);
    expect(await network.until(left)).toBe(1);
    await network.idle();
    const began = network.clock.monotonic();
    await network.until(client.close());
    expect(network.clock.monotonic() - began).toBe(0);
    expect(await idle).toMatchObject({ done: true });
  });

  it('waits for closeTimeout at the most, and then says what was not done', async () => {
    const { client, errors } = await member({ closeTimeout: 700 });
    await network.until(client.subscribe('jobs', () => gate().opened, GROUP));
    for (const n of [1, 2]) await publisher.publish('jobs', n);
    await network.idle();
    const closed = client.close();
    await network.advance(699);
    expect(client.state).toBe('connected');
    await network.advance(1);
    await network.until(closed);
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ['TIMEOUT', 'closing: members of groups were still at work on 2 messages: not done within 700 ms'],
    ]);
  });

  it('says so when the broker has not a word for it', async () => {
    const { client, errors } = await member({ closeTimeout: 700 });
    await network.until(client.subscribe('jobs', () => {}, GROUP));
    network.latency('1 min');
    const closed = client.close();
    await network.advance(700);
    expect(errors).toMatchObject([{ code: 'TIMEOUT' }]);
    network.latency(0);
    await network.advance('2 min');
    await closed;
  });

  it('does not wait when its connection is lost', async () => {
    const { client, errors } = await member();
    await network.until(client.subscribe('jobs', () => gate().opened, GROUP));
    await publisher.publish('jobs', 1);
    await network.idle();
    const closed = client.close();
    await network.idle();
    network.cut('member', 'broker-1');
    const began = network.clock.monotonic();
    await network.until(closed);
    expect(network.clock.monotonic()).toBe(began);
    expect(errors).toEqual([]);
  });

  it('is refused a closeTimeout that is no time', async () => {
    await expect(network.client({ closeTimeout: -1 })).rejects.toThrow(TypeError);
  });
});

describe('a provider that closes', () => {
  it('answers the calls that it was given', async () => {
    const { client } = await member();
    const work = gate();
    const double = async (n: number) => {
      await work.opened;
      return 2 * n;
    };
    await network.until(client.provide('double', double));
    const call = publisher.call('double', 21);
    await network.idle();
    const closed = client.close();
    await network.idle();
    work.open();
    expect(await network.until(call)).toBe(42);
    await network.until(closed);
  });

  it('does not wait for procedures that run on though their callers have given up', async () => {
    const { client, errors } = await member();
    await network.until(client.provide('endless', () => gate().opened));
    const calls = [publisher.call('endless', 1, { timeout: 100 }), publisher.call('endless')];
    const ends = Promise.allSettled(calls);
    await network.advance(100);
    await network.until(publisher.close());
    await network.until(ends);
    const began = network.clock.monotonic();
    await network.until(client.close());
    expect(network.clock.monotonic()).toBe(began);
    expect(errors).toEqual([]);
  });

  it('leaves calls that come later to others', async () => {
    const { client } = await member();
    const other = await network.client();
    const work = gate();
    await network.until(client.provide('who', async () => work.opened.then(() => 'first')));
    const first = publisher.call('who');
    await network.idle();
    await network.until(other.provide('who', () => 'second'));
    const closed = client.close();
    await network.idle();
    expect(await network.until(publisher.call('who'))).toBe('second');
    work.open();
    expect(await network.until(first)).toBe('first');
    await network.until(closed);
  });
});
