// Readers that stop: what they cost, when they are ended, and that nobody else feels it.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let logger: RecordingLogger;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
  logger = new RecordingLogger();
});
afterEach(async () => stage.close());

async function reader(pattern = 'x'): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.subscribe(pattern);
  await raw.flush();
  await clock.idle();
  return raw;
}

/** Publishes numbered messages of about `size` bytes each, and lets them pass. */
async function publish(count: number, size: number, channel = 'x', from = 0): Promise<void> {
  const publisher = await stage.raw();
  for (let n = from; n < from + count; n++) {
    publisher.publish(channel, `"${String(n).padEnd(size, '.')}"`);
    await publisher.flush();
  }
  await publisher.close();
}

const numbers = (raw: RawConnection) =>
  raw.frames.items
    .map((frame) => /"body": "(\d+)/.exec(frame)?.[1])
    .filter((text) => text !== undefined)
    .map(Number);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('a reader that stops reading', () => {
  it('holds up nobody: others get everything at once, and publishing goes on', async () => {
    await stage.broker();
    const [stalled, healthy] = [await reader(), await reader()];
    stalled.connection.pause();
    await publish(200, 1000);
    expect(numbers(healthy)).toEqual(upTo(200));
    expect(numbers(stalled)).toEqual([]);
  });

  it('gets everything in order when it goes on in time', async () => {
    const broker = await stage.broker();
    const stalled = await reader();
    stalled.connection.pause();
    await publish(500, 1000);
    expect(broker.stats.outboundBytes).toBeGreaterThan(400_000);
    stalled.connection.resume();
    await clock.idle();
    expect(numbers(stalled)).toEqual(upTo(500));
    expect(broker.stats.outboundBytes).toBe(0);
  });

  it('is ended as a slow consumer at limits.outboundBytes, and what waited for it is freed', async () => {
    const broker = await stage.broker({ limits: { outboundBytes: 100_000 }, logger });
    const [stalled, healthy] = [await reader(), await reader()];
    stalled.connection.pause();
    let most = 0;
    for (let n = 0; n < 50; n++) {
      await publish(10, 1000, 'x', n * 10);
      most = Math.max(most, broker.stats.outboundBytes);
    }
    expect(most).toBeLessThanOrEqual(100_000);
    expect(stalled.isClosed).toBe(true);
    expect(await stalled.closed()).toMatchObject({ by: 'error' });
    expect(logger.lines.warn).toMatchObject([
      { code: 'SLOW_CONSUMER', text: expect.stringContaining('limits.outboundBytes') },
    ]);
    await clock.idle();
    expect(broker.stats).toMatchObject({ outboundBytes: 0, connections: 1, subscriptions: 1 });
    expect(numbers(healthy)).toEqual(upTo(500));
  });

  it('may be the publisher itself', async () => {
    const broker = await stage.broker({ limits: { outboundBytes: 50_000 } });
    const [both, healthy] = [await reader(), await reader()];
    both.connection.pause();
    for (let n = 0; n < 300; n++) {
      both.publish('x', `"${String(n).padEnd(1000, '.')}"`);
      await clock.idle();
    }
    expect(both.isClosed).toBe(true);
    expect(broker.stats.outboundBytes).toBe(0);
    // Up to its own end nothing is lost to others.
    const received = numbers(healthy);
    expect(received.length).toBeGreaterThan(40);
    expect(received).toEqual(upTo(received.length));
  });

  it('is not one that was sent more than the limit in all, message by message', async () => {
    await stage.broker({ limits: { outboundBytes: 100_000, messageBytes: 90_000 } });
    const healthy = await reader();
    await publish(20, 80_000);
    expect(numbers(healthy)).toEqual(upTo(20));
    expect(healthy.isClosed).toBe(false);
  });

  it('is not ended for what it reads slowly but steadily', async () => {
    const broker = await stage.broker({ limits: { outboundBytes: 200_000 } });
    const slow = await reader();
    for (let round = 0; round < 20; round++) {
      slow.connection.pause();
      await publish(100, 1000, 'x', round * 100);
      slow.connection.resume();
      await clock.idle();
    }
    expect(numbers(slow)).toEqual(upTo(2000));
    expect(broker.stats.outboundBytes).toBe(0);
  });
});

describe('many readers that stop reading', () => {
  it('together hold no more than limits.totalOutboundBytes: the one that holds most is ended, and only that', async () => {
    const broker = await stage.broker({
      limits: { outboundBytes: 10_000_000, totalOutboundBytes: 500_000 },
      logger,
    });
    const [big, small, healthy] = [await reader('*'), await reader('x'), await reader('*')];
    big.connection.pause();
    small.connection.pause();
    await publish(100, 1000, 'x');
    await publish(600, 1000, 'y');
    expect(big.isClosed).toBe(true);
    expect(small.isClosed).toBe(false);
    expect(healthy.isClosed).toBe(false);
    expect(logger.lines.warn).toMatchObject([
      { code: 'SLOW_CONSUMER', text: expect.stringContaining('limits.totalOutboundBytes') },
    ]);
    expect(broker.stats.outboundBytes).toBeLessThanOrEqual(500_000);
    expect(broker.stats.cut).toBe(1);
    expect(numbers(healthy)).toHaveLength(700);
    small.connection.resume();
    await clock.idle();
    expect(numbers(small)).toEqual(upTo(100));
    expect(broker.stats.outboundBytes).toBe(0);
  });

  it('are ended one after another while they hold too much', async () => {
    const broker = await stage.broker({ limits: { totalOutboundBytes: 300_000 } });
    const readers = [await reader(), await reader(), await reader(), await reader()];
    for (const one of readers) one.connection.pause();
    await publish(400, 1000);
    expect(broker.stats.outboundBytes).toBeLessThanOrEqual(300_000);
    expect(readers.filter((one) => !one.isClosed).length).toBeLessThanOrEqual(1);
  });

  it('leave nothing in the count when they go, in whatever way', async () => {
    const broker = await stage.broker();
    const readers = [await reader(), await reader(), await reader()];
    for (const one of readers) one.connection.pause();
    await publish(200, 1000);
    readers[0]?.cut();
    readers[1]?.connection.close();
    readers[2]?.unsubscribe('x');
    readers[2]?.connection.resume();
    await clock.idle();
    expect(broker.stats.outboundBytes).toBe(0);
  });
});
