// What one connection may make grow, and what it is told when it tries more.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Broker } from '../../../src/broker/index.js';
import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
beforeEach(() => {
  ({ stage, clock } = memoryStage());
});
afterEach(async () => stage.close());

async function greeted(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
  await raw.next();
  return raw;
}

/** Codes of the errors told to a connection, and nothing else it got. */
async function errors(raw: RawConnection): Promise<unknown[]> {
  return (await raw.flush()).map((frame) => JSON.parse(frame).body.code);
}

describe('a subscription over a limit is refused with LIMIT_EXCEEDED, and the connection goes on:', () => {
  it.each([
    ['its length', { channelLength: 60 }, 'x'.repeat(60), 'x'.repeat(61), 'limits.channelLength'],
    ['its depth', { channelDepth: 3 }, '/a//b/c/', 'a/b/c/d', 'limits.channelDepth'],
    ['its globstars', { globstars: 2 }, '**/a/**/**', '**/a/**/b/**', 'limits.globstars'],
  ])('%s', async (_, limits, allowed, over, name) => {
    const broker = await stage.broker({ limits });
    const a = await greeted();
    a.subscribe(allowed);
    expect((await a.flush()).length).toBe(0);
    await clock.idle();
    a.subscribe(over);
    expect(await a.next()).toMatchObject({
      body: { code: 'LIMIT_EXCEEDED', channel: '-control/subscribe', message: expect.stringContaining(name) },
    });
    await clock.idle();
    expect(broker.stats.subscriptions).toBe(1);
  });

  it('their number, whereas one that is there may be asked for again', async () => {
    const broker = await stage.broker({ limits: { subscriptions: 2 } });
    const a = await greeted();
    for (const pattern of ['a', 'b', 'a', '/a/', 'c']) a.subscribe(pattern);
    expect(await a.next()).toMatchObject({ body: { code: 'LIMIT_EXCEEDED' } });
    a.unsubscribe('a');
    a.subscribe('c');
    await clock.idle();
    expect(broker.stats.subscriptions).toBe(2);
    expect(a.frames.rest).toEqual([]);
  });

  it('and it does not reach those who watch control messages', async () => {
    await stage.broker({ limits: { channelDepth: 2 } });
    const [a, monitor] = [await greeted(), await stage.raw()];
    monitor.subscribe('-control/**');
    await monitor.flush();
    await clock.idle();
    a.subscribe('x/y/z');
    await a.next();
    await clock.idle();
    expect(monitor.frames.rest.filter((frame) => frame.includes('x/y/z'))).toEqual([]);
  });
});

describe('a message over a limit is refused with LIMIT_EXCEEDED, and the connection goes on:', () => {
  it.each([
    ['its length', { messageBytes: 1000 }, '{"head": {"channel": "x"}, "body": "' + '.'.repeat(1000) + '"}\0'],
    ['its head', { headBytes: 200 }, `{"head": {"channel": "x", "key": "${'.'.repeat(200)}"}, "body": 1}\0`],
    [
      'the depth of its body',
      { bodyDepth: 50 },
      `{"head": {"channel": "x"}, "body": ${'['.repeat(51)}${']'.repeat(51)}}\0`,
    ],
    ['the length of its channel', { channelLength: 40 }, `{"head": {"channel": "${'x'.repeat(41)}"}, "body": 1}\0`],
    ['the depth of its channel', { channelDepth: 4 }, '{"head": {"channel": "a/b/c/d/e"}, "body": 1}\0'],
  ])('%s', async (_, limits, bytes) => {
    await stage.broker({ limits: { channelLength: 60, ...limits } });
    const [a, b] = [await greeted(), await stage.raw()];
    b.subscribe('**');
    await clock.idle();
    const before = b.frames.items.length;
    a.send(bytes);
    a.publish('x', '1');
    expect(await a.next()).toMatchObject({ body: { code: 'LIMIT_EXCEEDED' } });
    await clock.idle();
    expect(b.frames.items.slice(before).map((frame) => JSON.parse(frame).body)).toEqual([1]);
  });
});

describe('connections over limits.connections', () => {
  it('are ended at once, and there is room again when one goes', async () => {
    const logger = new RecordingLogger();
    const broker = await stage.broker({ limits: { connections: 2 }, logger });
    const [a, b] = [await stage.raw(), await stage.raw()];
    const over = await stage.raw();
    expect(await over.closed()).toMatchObject({ by: 'error' });
    expect(logger.lines.warn).toMatchObject([{ text: expect.stringContaining('limits.connections') }]);
    expect(broker.stats.connections).toBe(2);
    await a.close();
    await clock.idle();
    const c = await stage.raw();
    expect(await c.flush()).toEqual([]);
    expect(await b.flush()).toEqual([]);
  });

  it('hold for a storm of them: the count ends where it began', async () => {
    const broker = await stage.broker({ limits: { connections: 3 } });
    for (let round = 0; round < 5; round++) {
      const storm = await Promise.all(Array.from({ length: 10 }, async () => stage.raw()));
      await clock.idle();
      expect(storm.filter((raw) => !raw.isClosed)).toHaveLength(3);
      for (const raw of storm) if (raw.isClosed) expect(await raw.closed()).toMatchObject({ by: 'error' });
      for (const raw of storm) raw.cut();
      await clock.idle();
      expect(broker.stats.connections).toBe(0);
    }
  });
});

describe('refusals', () => {
  it('are logged once a connection, and counted always', async () => {
    const logger = new RecordingLogger();
    const broker = await stage.broker({ logger });
    const [a, b] = [await stage.raw(), await stage.raw()];
    for (let n = 0; n < 100; n++) a.send('rubbish\0');
    b.send('rubbish\0');
    await clock.idle();
    expect(logger.lines.warn).toHaveLength(2);
    expect(broker.stats.refused).toBe(101);
  });

  it('are told to whoever asked to be told, one for one', async () => {
    await stage.broker({ limits: { channelDepth: 3 } });
    const a = await greeted();
    for (let n = 0; n < 10; n++) a.publish('a/b/c/d');
    expect(await errors(a)).toEqual(Array.from({ length: 10 }, () => 'LIMIT_EXCEEDED'));
  });
});

describe('limits', () => {
  it.each([
    { messageBytes: 0 },
    { messageBytes: -1 },
    { messageBytes: NaN },
    { messageBytes: 16 * 1024 * 1024 },
    { connections: '5' as unknown as number },
    { conections: 5 } as object,
  ])('that make no sense are a TypeError: %p', (limits) => {
    expect(() => new Broker({ limits })).toThrow(TypeError);
  });
});
