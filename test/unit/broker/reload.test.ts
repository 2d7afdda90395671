// Limits and endpoints while a broker runs: what holds at once, what the log says of the rest, and that a mistake changes nothing.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker } from '../../../src/broker/index.js';
import type { Limits } from '../../../src/contracts/index.js';
import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let logger: RecordingLogger;
let broker: Broker;
beforeEach(async () => {
  ({ stage, clock } = memoryStage());
  logger = new RecordingLogger();
  broker = await stage.broker({ logger });
});
afterEach(async () => stage.close());

async function greeted(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
  await raw.next();
  await clock.idle();
  return raw;
}

const warnings = () => logger.lines.warn.map(({ text }) => text);

describe('a limit that is changed holds for connections that are open', () => {
  const now = (): number => clock.now() / 1000;
  it.each<readonly [Partial<Limits>, (raw: RawConnection) => void, string]>([
    [{ channelLength: 60 }, (raw) => raw.publish('x'.repeat(61)), 'LIMIT_EXCEEDED'],
    [{ channelDepth: 5 }, (raw) => raw.publish('a/b/c/d/e/f'), 'LIMIT_EXCEEDED'],
    [{ headBytes: 120 }, (raw) => raw.publish('x', '1', { more: '.'.repeat(120) }), 'LIMIT_EXCEEDED'],
    [{ bodyDepth: 2 }, (raw) => raw.publish('x', '[[[[]]]]'), 'LIMIT_EXCEEDED'],
    [{ globstars: 1 }, (raw) => raw.subscribe('**/a/**'), 'LIMIT_EXCEEDED'],
    [{ subscriptions: 1 }, (raw) => ['a', 'b'].forEach((one) => raw.subscribe(one)), 'LIMIT_EXCEEDED'],
    [{ totalSubscriptions: 1 }, (raw) => ['a', 'b'].forEach((one) => raw.subscribe(one)), 'LIMIT_EXCEEDED'],
    [{ keptBytes: 10 }, (raw) => raw.publish('x', '1', { persist: true }), 'LIMIT_EXCEEDED'],
    [{ clockSkew: 1000 }, (raw) => raw.publish('x', '1', { time: now() + 30 }), 'TIME_INVALID'],
  ])('%j', async (limits, act, code) => {
    const raw = await greeted();
    act(raw);
    expect(await raw.flush()).toEqual([]);
    for (const pattern of ['a', 'b', '**/a/**']) raw.unsubscribe(pattern);
    await raw.flush();
    await broker.reload({ limits });
    act(raw);
    expect(await raw.next()).toMatchObject({ body: { code } });
    // What is not said is the default again.
    await broker.reload({ limits: {} });
    act(raw);
    expect(await raw.flush()).toEqual([]);
    expect(broker.stats.connections).toBe(1);
  });

  it.each([{ outboundBytes: 10_000 }, { totalOutboundBytes: 10_000 }])(
    '%j: the next byte that waits ends a reader that has stopped',
    async (limits) => {
      const [stalled, publisher] = [await stage.raw(), await stage.raw()];
      stalled.subscribe('x');
      await stalled.flush();
      stalled.connection.pause();
      const fill = async (): Promise<void> => {
        for (let n = 0; n < 200; n++) publisher.publish('x', `"${'.'.repeat(1000)}"`);
        await publisher.flush();
      };
      await fill();
      await broker.reload({ limits });
      expect(broker.stats.cut).toBe(0);
      await fill();
      await clock.advance(2000);
      expect(broker.stats.cut).toBe(1);
    },
  );

  it('messagesPerSecond, both ways', async () => {
    const raw = await stage.raw();
    const flood = async (): Promise<number> => {
      for (let n = 0; n < 200; n++) raw.publish('x');
      await clock.advance(1);
      return broker.stats.throttled;
    };
    expect(await flood()).toBe(0);
    await broker.reload({ limits: { messagesPerSecond: 100 } });
    expect(await flood()).toBe(1);
    await clock.advance(10_000);
    const { throttled } = broker.stats;
    await broker.reload({ limits: {} });
    expect(await flood()).toBe(throttled);
  });

  it('connections: who is there stays, nobody else comes in', async () => {
    const first = await greeted();
    const second = await greeted();
    await broker.reload({ limits: { connections: 1 } });
    const third = await stage.raw();
    await third.closed();
    expect([first.isClosed, second.isClosed]).toEqual([false, false]);
    expect(broker.stats.turnedAway).toBe(1);
  });

  it('logLines', async () => {
    await broker.reload({ limits: { logLines: 1 } });
    for (let n = 0; n < 5; n++) {
      const raw = await stage.raw();
      raw.publish('-control/welcome');
      await raw.flush();
    }
    expect(warnings().filter((text) => text.startsWith('refused'))).toHaveLength(1);
  });
});

describe('limits of an endpoint', () => {
  const URL = 'memory://other';

  it('stay its own when those of the broker change, and change with the endpoint', async () => {
    await broker.listen({ url: URL, limits: { channelDepth: 5 } });
    const refused = async (url: string): Promise<boolean> => {
      const { client, errors } = await stage.join({ url });
      await client.publish('a/b/c/d/e/f', 1);
      await client.flush();
      return errors.items.length > 0;
    };
    await broker.reload({ limits: { channelDepth: 8 } });
    expect([await refused(stage.url), await refused(URL)]).toEqual([false, true]);
    await broker.reload({ listen: [stage.url, { url: URL, limits: { channelDepth: 6 } }] });
    expect(await refused(URL)).toBe(false);
    await broker.reload({ listen: [{ url: stage.url, limits: { channelDepth: 5 } }, URL], limits: {} });
    expect([await refused(stage.url), await refused(URL)]).toEqual([true, false]);
  });

  it('hold for one that a reload opens', async () => {
    await broker.reload({ listen: [stage.url, { url: URL, limits: { connections: 1 } }] });
    await stage.join({ url: URL });
    const { client } = stage.prepare({ url: URL, reconnect: false });
    await client.connect().catch(() => {});
    await clock.idle();
    expect(client.state).toBe('closed');
    expect(broker.stats.turnedAway).toBe(1);
  });
});

describe('what cannot hold while a broker runs', () => {
  it('is named in the log', async () => {
    await broker.reload({ limits: { messageBytes: 1_000_000, connectTimeout: 1000, outboundBytes: 1_000_000 } });
    expect(warnings()).toEqual([
      expect.stringMatching(/^limits.messageBytes: connections that are open keep/),
      expect.stringMatching(/^limits.connectTimeout needs a restart/),
    ]);
    await broker.reload({ limits: { messageBytes: 1_000_000, connectTimeout: 1000 } });
    expect(warnings()).toHaveLength(2);
  });

  it('other options of an endpoint that is open are refused, with everything beside them', async () => {
    const client = await stage.client();
    const reload = broker.reload({ listen: [`${stage.url}?reuse=1`], limits: { channelDepth: 1 } });
    await expect(reload).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', message: expect.stringContaining('restart') });
    await client.publish('a/b', 1, { ack: true });
  });

  it.each([
    [{ limits: { channelDepth: -1 } }, 'channelDepth must be a positive number'],
    [{ listen: [{ url: 'memory://other', limits: { keptBytes: 1 } }] }, 'holds for a whole broker'],
    [{ listen: ['memory://other', 'nonsense://x'], limits: { channelDepth: 1 } }, 'nonsense'],
  ])('what makes no sense changes nothing: %j', async (change, text) => {
    const before = broker.addresses;
    const client = await stage.client();
    await expect(broker.reload(change)).rejects.toThrow(text);
    expect(broker.addresses).toEqual(before);
    await client.publish('a/b', 1, { ack: true });
  });
});
