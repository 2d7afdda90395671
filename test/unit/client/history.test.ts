// Reading what was published: from some place on, under a durable name, and the past alone. On brokers in memory, in virtual time.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import type { Message } from '../../../src/client/index.js';
import type { SpokeError } from '../../../src/contracts/index.js';
import type { Client } from '../../../src/node/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

let network: MemoryNetwork;
let a: Broker;
let b: Broker;
let publisher: Client;

beforeEach(async () => {
  network = memoryNetwork({ latency: 1 });
  network.engine.keepHistory({ pattern: 'log/**', maxMessages: 10_000 });
  a = await network.broker({ cluster: true });
  b = await network.broker({ cluster: true });
  publisher = await network.client({ to: a });
});
afterEach(async () => network.close());

/** Published so that it is known to be recorded. */
async function publish(channel: string, ...bodies: readonly unknown[]): Promise<void> {
  for (const body of bodies) await network.until(publisher.publish(channel, body, { ack: true }));
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, n) => from + n);
}

function sorted(bodies: readonly unknown[]): unknown[] {
  return [...bodies].sort((x, y) => Number(x) - Number(y));
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('history', () => {
  it('is read up to now, in order, whichever broker is asked', async () => {
    await publish('log/x', ...numbers(1, 250));
    const reader = await network.client({ to: b });
    const read: unknown[] = [];
    await network.until(
      (async () => {
        for await (const { body } of reader.history('log/**')) read.push(body);
      })(),
    );
    expect(read).toEqual(numbers(1, 250));
  });

  it('is read from a sequence or a time, to a time, or so many', async () => {
    const times: number[] = [];
    for (const n of numbers(1, 5)) {
      times.push(network.clock.now());
      await publish('log/x', n);
      await network.advance('10 s');
    }
    const all = async (options: Parameters<Client['history']>[1]): Promise<Message[]> => {
      const read: Message[] = [];
      for await (const message of publisher.history('log/**', options)) read.push(message);
      return read;
    };
    const bodies = async (options: Parameters<Client['history']>[1]) =>
      (await network.until(all(options))).map(({ body }) => body);
    const [, second] = await network.until(all({}));
    expect(second).toMatchObject({ channel: 'log/x', body: 2, sequence: 2, redelivered: false });
    expect(second?.head).toEqual({ channel: 'log/x', time: second?.time });
    expect(await bodies({ from: 4 })).toEqual([4, 5]);
    expect(await bodies({ from: new Date(times[3] ?? 0) })).toEqual([4, 5]);
    expect(await bodies({ to: new Date(times[3] ?? 0) })).toEqual([1, 2, 3]);
    expect(await bodies({ from: 2, limit: 2 })).toEqual([2, 3]);
    expect(await bodies({ from: new Date(network.clock.now() + 1000) })).toEqual([]);
  });

  it('has persistent messages as well, in their place, each once', async () => {
    await publish('log/x', 1);
    await network.until(publisher.publish('log/x', 2, { persist: true }));
    await publish('log/x', 3);
    await network.until(publisher.publish('log/x', 4, { persist: true }));
    const read: unknown[] = [];
    await network.until(publisher.subscribe('log/**', ({ body }) => read.push(body), { from: 'start' }));
    await network.idle();
    await network.advance('1 s');
    expect(read).toEqual([1, 2, 3, 4]);
  });

  it('is read in another codec than it was published in', async () => {
    await publish('log/x', { a: [1, 'two', null] });
    const reader = await network.client({ to: b, codec: 'msgpack' });
    const read: unknown[] = [];
    await network.until(reader.subscribe('log/**', ({ body }) => read.push(body), { durable: 'work', from: 'start' }));
    await network.until(reader.publish('log/x', new Uint8Array([1, 2]), { ack: true }));
    await network.advance('1 s');
    expect(read).toEqual([{ a: [1, 'two', null] }, new Uint8Array([1, 2])]);
  });

  it('does not have calls', async () => {
    const provider = await network.client({ to: a });
    await network.until(provider.provide('log/square', (x: number) => x * x));
    expect(await network.until(publisher.call('log/square', 3))).toBe(9);
    await publish('log/x', 'end');
    const read: string[] = [];
    await network.until(publisher.subscribe('log/**', ({ channel }) => read.push(channel), { from: 'start' }));
    await network.advance('1 s');
    expect(read).toEqual(['log/x']);
  });

  it('is told from what is live to those who subscribe plainly as well: each message once', async () => {
    await publish('log/x', 1);
    const reader = await network.client({ to: b });
    const [read, live]: [unknown[], unknown[]] = [[], []];
    await network.until(reader.subscribe('log/**', ({ body }) => read.push(body), { from: 'start' }));
    await network.until(reader.subscribe('log/**', ({ body }) => live.push(body)));
    await publish('log/x', 2, 3);
    await network.advance('1 s');
    expect(read).toEqual([1, 2, 3]);
    expect(live).toEqual([2, 3]);
  });
});

describe('a subscription from some place on', () => {
  it('has no gap and no repetition, through lost connections, killed brokers and an engine that is away', async () => {
    const read: unknown[] = [];
    const reader = await network.client({ name: 'reader', to: b });
    await publish('log/x', ...numbers(1, 20));
    let caughtUp = 0;
    await network.until(
      reader.subscribe('log/**', ({ body }) => read.push(body), {
        from: 'start',
        inFlight: 7,
        complete: () => caughtUp++,
      }),
    );
    await publish('log/x', ...numbers(21, 30));
    network.cut(reader, b);
    await publish('log/x', ...numbers(31, 40));
    await network.crash(b);
    await publish('log/x', ...numbers(41, 50));
    b = await network.broker({ name: 'broker-2', cluster: true });
    network.engine.stop();
    const waiting = publish('log/x', 51);
    await network.advance('3 s');
    network.engine.start();
    await network.until(waiting);
    await network.advance('10 s');
    await publish('log/x', 52);
    await network.advance('10 s');
    expect(read).toEqual(numbers(1, 52));
    expect(caughtUp).toBeGreaterThan(0);
  });

  it('begins with what is new, and misses nothing afterwards, before the first message either', async () => {
    await publish('log/x', 1);
    const reader = await network.client({ to: b });
    const read: unknown[] = [];
    const place = new Date(network.clock.now() + 1000);
    await network.until(reader.subscribe('log/**', ({ body }) => read.push(body), { from: place }));
    network.cut(reader, b);
    await publish('log/x', 2);
    await network.advance('10 s');
    expect(read).toEqual([2]);
  });

  it('waits for a handler, and holds no more than it may', async () => {
    await publish('log/x', ...numbers(1, 40));
    let release = (): void => {};
    const read: unknown[] = [];
    const handler = async ({ body }: Message): Promise<void> => {
      read.push(body);
      await new Promise<void>((resolve) => (release = resolve));
    };
    const delivered = b.stats.delivered;
    const reader = await network.client({ to: b });
    await network.until(reader.subscribe('log/**', handler, { from: 'start', inFlight: 5 }));
    await network.advance('1 min');
    expect(read).toEqual([1]);
    expect(b.stats.delivered - delivered).toBe(5);
    for (const n of numbers(2, 40)) {
      release();
      await network.advance('1 s');
      expect(read.at(-1)).toBe(n);
    }
    release();
  });

  it('begins anew when the engine has lost everything', async () => {
    await publish('log/x', 1, 2, 3);
    const reader = await network.client({ to: b });
    const read: unknown[] = [];
    await network.until(reader.subscribe('log/**', ({ body }) => read.push(body), { from: 'start' }));
    await network.advance('1 s');
    network.engine.stop();
    await network.advance('1 s');
    network.engine.start({ empty: true });
    await network.advance('5 s');
    await publish('log/x', 4);
    await network.advance('5 s');
    expect(read).toEqual([1, 2, 3, 4]);
  });

  it.each([0, 100, 200, 300, 400, 500])(
    'begins anew once, when the connection is lost as well, %i ms later',
    async (later) => {
      await publish('log/x', 1, 2, 3);
      const reader = await network.client({ to: b });
      const read: unknown[] = [];
      await network.until(reader.subscribe('log/**', ({ body }) => read.push(body), { from: 'start' }));
      await network.advance('1 s');
      network.engine.stop();
      await network.advance('1 s');
      network.engine.start({ empty: true });
      while (b.stats.cluster?.reachable !== true) await network.advance('10 ms');
      await network.advance(`${later} ms`);
      network.cut(reader, b);
      await network.advance('5 s');
      await publish('log/x', 4);
      await network.advance('5 s');
      expect(read).toEqual([1, 2, 3, 4]);
    },
  );

  it('is refused at once where there is no history', async () => {
    await expect(network.until(publisher.subscribe('other/**', () => {}, { from: 'start' }))).rejects.toEqual(
      code('UNSUPPORTED'),
    );
    await network.broker({ name: 'alone' });
    const lonely = await network.client({ to: 'alone' });
    expect(lonely.features.has('history')).toBe(false);
    await expect(network.until(lonely.subscribe('log/x', () => {}, { durable: 'd' }))).rejects.toEqual(
      code('UNSUPPORTED'),
    );
    await expect(network.until(lonely.history('log/x').next())).rejects.toEqual(code('UNSUPPORTED'));
    await expect(network.until(lonely.durables.list())).rejects.toEqual(code('UNSUPPORTED'));
  });
});

describe('a durable subscription', () => {
  it('is refused to a user who has as many as may be, and not to those who go on with one', async () => {
    const small = await network.broker({ cluster: true, limits: { durables: 2 } });
    const client = await network.client({ to: small });
    const open = (durable: string) => network.until(client.subscribe('log/**', () => {}, { durable }));
    await open('one');
    await open('two');
    await expect(open('three')).rejects.toEqual(code('LIMIT_EXCEEDED'));
    const other = await network.client({ to: small });
    await network.until(other.subscribe('log/**', () => {}, { durable: 'two' }));
    await network.until(client.durables.remove('one'));
    await open('three');
    expect((await network.until(client.durables.list())).map(({ name }) => name).sort()).toEqual(['three', 'two']);
  });

  it('goes on where it stopped, at whichever broker, and has what was published meanwhile', async () => {
    const read: unknown[] = [];
    const first = await network.client({ to: a });
    await network.until(first.subscribe('log/**', ({ body }) => read.push(body), { durable: 'work' }));
    await publish('log/x', 1, 2);
    await network.advance('1 s');
    await network.until(first.close());
    await publish('log/x', 3, 4);
    const second = await network.client({ to: b });
    await network.until(second.subscribe('log/**', ({ body }) => read.push(body), { durable: 'work' }));
    await publish('log/x', 5);
    await network.advance('1 s');
    expect(read).toEqual([1, 2, 3, 4, 5]);
  });

  it('begins where it is told when it is made', async () => {
    await publish('log/x', 1, 2, 3);
    const read: unknown[] = [];
    await network.until(publisher.subscribe('log/**', ({ body }) => read.push(body), { durable: 'work', from: 2 }));
    await network.advance('1 s');
    expect(read).toEqual([2, 3]);
  });

  it('gives a message again when its handler failed: later each time', async () => {
    const errors: SpokeError[] = [];
    const read: [number, boolean | undefined][] = [];
    const began = network.clock.monotonic();
    publisher.on('error', (error) => errors.push(error));
    const handler = ({ body, redelivered }: Message): void => {
      if (body !== 'bad') return;
      read.push([Math.round((network.clock.monotonic() - began) / 1000), redelivered]);
      if (read.length < 4) throw new Error('not now');
    };
    await network.until(publisher.subscribe('log/**', handler, { durable: 'work' }));
    await publish('log/x', 'bad', 'good');
    await network.advance('1 min');
    expect(read).toEqual([
      [0, false],
      [1, true],
      [3, true],
      [7, true],
    ]);
    expect(errors.map((error) => error.code)).toEqual(['HANDLER_FAILED', 'HANDLER_FAILED', 'HANDLER_FAILED']);
    expect(await network.until(publisher.durables.list())).toEqual([
      { name: 'work', pattern: 'log/**', waiting: 0, unfinished: 0 },
    ]);
  });

  it('shares its messages among all clients of that name', async () => {
    const [one, two] = [await network.client({ to: a }), await network.client({ to: b })];
    const read: unknown[][] = [[], []];
    for (const [index, client] of [one, two].entries()) {
      const handler = async ({ body }: Message): Promise<void> => {
        read[index]?.push(body);
        await new Promise<void>((resolve) => network.clock.setTimer(100, resolve));
      };
      await network.until(client.subscribe('log/**', handler, { durable: 'work', inFlight: 2 }));
    }
    await publish('log/x', ...numbers(1, 30));
    await network.advance('1 min');
    const all = sorted(read.flat());
    expect(all).toEqual(numbers(1, 30));
    for (const part of read) {
      expect(part.length).toBeGreaterThan(5);
      expect(part).toEqual(sorted(part));
    }
  });

  it('gives to others at once what a client had that was lost, and within 30 s what a killed broker had', async () => {
    const stuck = new Promise<void>(() => {});
    const [one, two] = [await network.client({ to: a }), await network.client({ name: 'two', to: b })];
    await network.until(one.subscribe('log/**', () => stuck, { durable: 'work', inFlight: 2, ackWait: Infinity }));
    await publish('log/x', 1, 2, 3, 4);
    await network.until(two.subscribe('log/**', () => stuck, { durable: 'work', inFlight: 2, ackWait: Infinity }));
    await network.advance('2 min');
    const third = await network.client({ to: a });
    const read: [unknown, boolean | undefined][] = [];
    await network.until(
      third.subscribe('log/**', ({ body, redelivered }) => read.push([body, redelivered]), { durable: 'work' }),
    );
    await network.advance('1 min');
    expect(read).toEqual([]);
    network.partition([one], [a]);
    network.cut(one, a);
    await network.advance('1 s');
    expect(sorted(read.map(([body]) => body))).toEqual([1, 2]);
    await network.crash(b);
    await network.advance('25 s');
    expect(read).toHaveLength(2);
    await network.advance('6 s');
    expect(sorted(read.map(([body]) => body))).toEqual([1, 2, 3, 4]);
    expect(read.every(([, redelivered]) => redelivered)).toBe(true);
  });

  it('gives to others what one client is at work on for too long, and goes on with it afterwards', async () => {
    let release = (): void => {};
    const slow: unknown[] = [];
    const handler = async ({ body }: Message): Promise<void> => {
      slow.push(body);
      await new Promise<void>((resolve) => (release = resolve));
    };
    const errors: SpokeError[] = [];
    const one = await network.client({ to: a });
    one.on('error', (error) => errors.push(error));
    await network.until(one.subscribe('log/**', handler, { durable: 'work', ackWait: 5000 }));
    await publish('log/x', 1, 2, 3);
    const two = await network.client({ to: b });
    const quick: unknown[] = [];
    await network.until(two.subscribe('log/**', ({ body }) => quick.push(body), { durable: 'work' }));
    await network.advance('4 s');
    expect(quick).toEqual([]);
    await network.advance('2 s');
    expect(quick).toEqual([1, 2, 3]);
    expect(errors.map((error) => error.code)).toEqual(['TIMEOUT']);
    await network.until(two.close());
    await publish('log/x', 4);
    await network.advance('1 min');
    expect(slow).toEqual([1]);
    release();
    await network.advance('1 s');
    expect(slow).toEqual([1, 4]);
    release();
    await network.advance('1 s');
    expect(await network.until(one.durables.list())).toMatchObject([{ waiting: 0, unfinished: 0 }]);
  });

  it('is not handled twice by a client whose broker did not hear that it was done', async () => {
    let release = (): void => {};
    const read: unknown[] = [];
    const handler = async ({ body }: Message): Promise<void> => {
      read.push(body);
      if (body === 1) await new Promise<void>((resolve) => (release = resolve));
    };
    const client = await network.client({ to: b });
    await network.until(client.subscribe('log/**', handler, { durable: 'work' }));
    await publish('log/x', 1, 2);
    await network.advance('1 s');
    network.cut(client, b);
    release();
    await network.advance('1 min');
    expect(sorted(read)).toEqual([1, 2]);
    expect(await network.until(client.durables.list())).toMatchObject([{ waiting: 0, unfinished: 0 }]);
  });

  it('is read as an iterator: done is what the next was asked after', async () => {
    await publish('log/x', 1, 2, 3);
    const read: unknown[] = [];
    const loop = async (): Promise<void> => {
      for await (const { body } of publisher.messages('log/**', { durable: 'work', from: 'start' })) {
        read.push(body);
        if (body === 2) break;
      }
    };
    await network.until(loop());
    await network.until(publisher.subscribe('log/**', ({ body }) => read.push(body), { durable: 'work' }));
    await network.advance('1 s');
    expect(read).toEqual([1, 2, 2, 3]);
  });

  it('finishes what it is at work on when its client closes, and gives the rest to others', async () => {
    const read: unknown[] = [];
    let release = (): void => {};
    const handler = async ({ body }: Message): Promise<void> => {
      await new Promise<void>((resolve) => (release = resolve));
      read.push(body);
    };
    const one = await network.client({ to: a });
    await network.until(one.subscribe('log/**', handler, { durable: 'work' }));
    await publish('log/x', 1, 2, 3);
    await network.advance('1 s');
    const closed = one.close();
    release();
    await network.until(closed);
    const two = await network.client({ to: b });
    const rest: unknown[] = [];
    await network.until(two.subscribe('log/**', ({ body }) => rest.push(body), { durable: 'work' }));
    await network.advance('1 s');
    expect(read).toEqual([1]);
    expect(rest).toEqual([2, 3]);
  });

  it('is listed, removed for good, and has one pattern', async () => {
    const one = await network.client({ to: b });
    const errors: SpokeError[] = [];
    one.on('error', (error) => errors.push(error));
    const subscription = await network.until(one.subscribe('log/x', () => {}, { durable: 'work' }));
    await expect(network.until(publisher.subscribe('log/y', () => {}, { durable: 'work' }))).rejects.toEqual(
      code('DUPLICATE'),
    );
    expect(await network.until(publisher.durables.list())).toEqual([
      { name: 'work', pattern: 'log/x', waiting: 0, unfinished: 0 },
    ]);
    expect(await network.until(publisher.durables.remove('work'))).toBe(true);
    expect(await network.until(publisher.durables.remove('work'))).toBe(false);
    await network.advance('1 s');
    expect(subscription.ended).toBe(true);
    expect(errors.map((error) => error.code)).toEqual(['CLOSED']);
    expect(await network.until(publisher.durables.list())).toEqual([]);
  });

  it('refuses options that make no sense', async () => {
    const subscribe = (options: object) => network.until(publisher.subscribe('log/x', () => {}, options));
    await expect(subscribe({ durable: '' })).rejects.toThrow(TypeError);
    await expect(subscribe({ durable: 'd', group: 'g' })).rejects.toThrow(TypeError);
    await expect(subscribe({ durable: 'd', inFlight: 0 })).rejects.toThrow(TypeError);
    await expect(subscribe({ durable: 'd', ackWait: 0 })).rejects.toThrow(TypeError);
    await expect(subscribe({ from: new Date(NaN) })).rejects.toThrow(TypeError);
    await expect(subscribe({ from: -1 })).rejects.toThrow(TypeError);
  });
});
