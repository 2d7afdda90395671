// Readers that stop on real sockets, where the system's buffers fill first: what groups and policies then do.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import type { SubscribeOptions } from '../../../src/client/index.js';
import { JsonCodec } from '../../../src/codecs/index.js';
import type { Client } from '../../../src/node/index.js';
import { TcpTransport } from '../../../src/transports/tcp/index.js';
import { Collector } from '../../support/collector.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { StagedClient } from '../../support/stage.js';
import { Stage } from '../../support/stage.js';

const OUTBOUND = 2_000_000;
const FILLING = 'x'.repeat(100_000);
/** More than any system buffers for one connection, in messages. */
const MOST = 1500;

let stage: Stage;
let broker: Broker;
let logger: RecordingLogger;
let publisher: Client;
let published: number;
beforeEach(async () => {
  stage = new Stage({ transport: new TcpTransport(), listen: 'tcp://127.0.0.1:0', codec: () => new JsonCodec() });
  logger = new RecordingLogger();
  broker = await stage.broker({ logger, limits: { outboundBytes: OUTBOUND, holdTime: 20_000 } });
  publisher = await stage.client();
  published = 0;
});
afterEach(async () => stage.close());

/** What a subscription got, in order: numbers, and `missed 3`. */
type Seen = Collector<number | string>;

async function listen(client: Client, pattern: string, options: SubscribeOptions = {}): Promise<Seen> {
  const seen: Seen = new Collector(`messages on ${pattern}`);
  const told = options.slow === undefined ? {} : { missed: (count: number) => seen.add(`missed ${count}`) };
  await client.subscribe(pattern, ({ body }) => seen.add(numberOf(body)), { ...told, ...options });
  return seen;
}

const numberOf = (body: unknown) => Number(/^\d+/.exec(String(body))?.[0]);
const numbers = ({ items }: Seen) => items.filter((one) => typeof one === 'number');
const missedBy = ({ items }: Seen) =>
  items.filter((one) => typeof one === 'string').reduce((sum, text) => sum + Number(text.slice(7)), 0);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Publishes numbered messages of 100 kB; the broker has handled them. */
async function publish(count: number, channelOf: (n: number) => string = () => 'x'): Promise<void> {
  for (let n = 0; n < count; n++, published++) await publisher.publish(channelOf(published), `${published} ${FILLING}`);
  await publisher.flush({ timeout: 5000 });
}

/** Publishes until `done`. */
async function publishUntil(done: () => boolean, what: string, channelOf?: (n: number) => string): Promise<void> {
  while (!done()) {
    if (published > MOST) throw new Error(`${what}: not after ${published} messages`);
    await publish(10, channelOf);
  }
}

/** A client that has not read since. */
async function stalled(pattern: string, options: SubscribeOptions): Promise<{ seen: Seen } & StagedClient> {
  const staged = await stage.join();
  const seen = await listen(staged.client, pattern, options);
  staged.tap.connection.stallReading();
  return { ...staged, seen };
}

/** It reads on, up to a last message. */
async function goesOn({ tap, seen }: Awaited<ReturnType<typeof stalled>>, channel = 'x'): Promise<void> {
  tap.connection.goOnReading();
  const last = published++;
  await publisher.publish(channel, `${last}`);
  await seen.takeUntil((one) => one === last, 20_000);
}

describe('over TCP, a member of a group that does not read', () => {
  it('is left out while the others get everything, and has what was its own when it reads on', async () => {
    const group = 'workers';
    const clients = [await stage.client(), await stage.client()];
    const reading: Seen[] = [];
    for (const client of clients) reading.push(await listen(client, 'x', { group }));
    const monitor = await stage.client();
    const everything = await listen(monitor, 'x');
    const slow = await stalled('x', { group });
    const reached = async () => {
      await Promise.all([...clients, monitor].map(async (client) => client.flush({ timeout: 5000 })));
      return reading.reduce((sum, { items }) => sum + items.length, 0);
    };

    // Until the system takes no more for it: from then on whole rounds reach the others.
    for (let before = 0, now = 0; now - before < 9;) {
      if (published > MOST) throw new Error(`it was still given messages after ${published}`);
      await publish(9);
      [before, now] = [now, await reached()];
    }
    const before = await reached();
    await publish(30);
    expect((await reached()) - before).toBe(30);
    expect(slow.seen.items).toEqual([]);

    slow.tap.connection.goOnReading();
    await slow.seen.take(published - (await reached()), 20_000);
    await slow.client.flush({ timeout: 5000 });
    const all = [...reading, slow.seen].flatMap(numbers).toSorted((a, b) => a - b);
    expect(all).toEqual(upTo(published));
    expect(numbers(everything)).toEqual(upTo(published));
    expect(slow.client.state).toBe('connected');
  });

  it('gets its turns again when it reads on', async () => {
    const other = await stage.client();
    const rest = await listen(other, 'x', { group: 'workers' });
    const slow = await stalled('x', { group: 'workers' });
    await publish(4);
    slow.tap.connection.goOnReading();
    await publish(4);
    await Promise.all([slow.client.flush(), other.flush()]);
    expect(numbers(rest)).toHaveLength(4);
    expect(numbers(slow.seen)).toHaveLength(4);
  });
});

describe('over TCP, a subscriber that does not read', () => {
  /** In order, and with what was missed all there was; missed where it is told. */
  function expectAccounted(seen: Seen): void {
    const got = numbers(seen);
    expect(got).toEqual(got.toSorted((a, b) => a - b));
    expect(got.length + missedBy(seen)).toBe(published);
  }

  /** Until the broker has had to leave something out: its backlog grows no more. */
  async function untilLeftOut(channelOf?: (n: number) => string): Promise<void> {
    await publishUntil(() => broker.stats.outboundBytes > OUTBOUND / 4, 'nothing waited in the broker', channelOf);
    await publish(60, channelOf);
  }

  it('misses the oldest under drop-oldest, and is told how many, where they are missing', async () => {
    const slow = await stalled('x', { slow: 'drop-oldest' });
    await untilLeftOut();
    expect(broker.stats.outboundBytes).toBeLessThanOrEqual(OUTBOUND);
    await goesOn(slow);
    expectAccounted(slow.seen);
    expect(missedBy(slow.seen)).toBeGreaterThan(0);
    expect(slow.client.state).toBe('connected');
    const { items } = slow.seen;
    const at = items.findIndex((one) => typeof one === 'string');
    expect(`missed ${Number(items[at + 1]) - Number(items[at - 1]) - 1}`).toBe(items[at]);
    // The newest are there.
    expect(numbers(slow.seen).slice(-6)).toEqual(upTo(published).slice(-6));
  });

  it('has the latest of each channel under latest, and is told how many it missed', async () => {
    const channelOf = (n: number) => `pose/${n % 5}`;
    const slow = await stalled('pose/*', { slow: 'latest' });
    await publishUntil(() => broker.stats.outboundBytes > 0, 'nothing waited in the broker', channelOf);
    await publish(100, channelOf);
    // One of each at the most waits, and what was under way.
    expect(broker.stats.outboundBytes).toBeLessThan(1_000_000);
    await goesOn(slow, 'pose/last');
    expectAccounted(slow.seen);
    expect(missedBy(slow.seen)).toBeGreaterThan(80);
    expect(numbers(slow.seen).slice(-6)).toEqual(upTo(published).slice(-6));
  });

  it('holds its publisher under hold, and misses nothing', async () => {
    const slow = await stalled('x', { slow: 'hold' });
    const flood = 400;
    const done = (async () => {
      for (; published < flood; published++) await publisher.publish('x', `${published} ${FILLING}`);
      await publisher.flush({ timeout: 20_000 });
    })();
    const other = await stage.client();
    const late = await listen(other, 'y');
    await other.publish('y', '1');
    // Whoever does not publish to it is not held.
    expect(await late.next()).toBe(1);
    expect(broker.stats.outboundBytes).toBeLessThan(OUTBOUND);
    slow.tap.connection.goOnReading();
    await done;
    await slow.seen.take(flood, 20_000);
    expect(slow.seen.items).toEqual(upTo(flood));
  });

  it.each([undefined, 'disconnect'] as const)('is ended under %p, and others go on', async (policy) => {
    const reader = await stage.client();
    const everything = await listen(reader, 'x');
    const slow = await stalled('x', policy === undefined ? {} : { slow: policy });
    await publishUntil(() => logger.lines.warn.length > 0, 'it was not ended');
    expect(logger.lines.warn).toMatchObject([{ code: 'SLOW_CONSUMER' }]);
    await reader.flush({ timeout: 5000 });
    expect(numbers(everything)).toEqual(upTo(published));
    expect(broker.stats.connections).toBe(2);

    const states = new Collector<string>('states');
    slow.client.on('state', states.add);
    slow.tap.connection.goOnReading();
    await states.takeUntil((state) => state === 'connected', 20_000);
    await slow.client.flush({ timeout: 5000 });
    await goesOn(slow);
  });
});
