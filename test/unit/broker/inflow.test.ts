// What connections may bring in, together and each: who caused too much is told, logged and counted, and others notice nothing.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { Broker, BrokerOptions } from '../../../src/broker/index.js';

import { parse, RawConnection } from '../../support/raw-connection.js';
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

async function start(limits: NonNullable<BrokerOptions['limits']>): Promise<Broker> {
  return stage.broker({ limits, logger });
}

/** One that is told of errors. */
async function greeted(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
  await raw.next();
  return raw;
}

/** One that gets everything on `x`. */
async function reader(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.subscribe('x');
  await raw.flush();
  await clock.idle();
  return raw;
}

const bodies = (raw: RawConnection) =>
  raw.frames.items
    .map(parse)
    .filter(({ head }) => head.channel === 'x')
    .map(({ body }) => body);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('connections from one address', () => {
  it('are refused past limits.connectionsPerAddress, until one of them goes', async () => {
    const broker = await start({ connectionsPerAddress: 2 });
    const [a, b] = [await greeted(), await reader()];
    const over = await stage.raw();
    expect(await over.closed()).toMatchObject({ by: 'error' });
    expect(logger.lines.warn).toMatchObject([
      {
        code: 'LIMIT_EXCEEDED',
        from: expect.any(String),
        text: expect.stringContaining('limits.connectionsPerAddress'),
      },
    ]);
    expect(broker.stats).toMatchObject({ connections: 2, turnedAway: 1 });
    a.publish('x', '1');
    await clock.idle();
    expect(bodies(b)).toEqual([1]);
    await a.close();
    await clock.idle();
    expect(await (await stage.raw()).flush()).toEqual([]);
  });
});

describe('subscriptions of all connections', () => {
  it('are refused past limits.totalSubscriptions, and what was there stays', async () => {
    const broker = await start({ totalSubscriptions: 2 });
    const [a, b] = [await greeted(), await greeted()];
    a.subscribe('x');
    b.subscribe('x');
    await clock.idle();
    a.subscribe('y');
    a.subscribe('x');
    expect(await a.next()).toMatchObject({
      head: { channel: '-control/error' },
      body: { code: 'LIMIT_EXCEEDED', pattern: 'y', message: expect.stringContaining('limits.totalSubscriptions') },
    });
    b.publish('x', '1');
    expect(await a.next()).toMatchObject({ body: 1 });
    expect(broker.stats).toMatchObject({ subscriptions: 2, refused: 1 });
    expect(logger.lines.warn).toMatchObject([{ code: 'LIMIT_EXCEEDED' }]);
  });
});

describe('messages that do not end', () => {
  it('cost whoever holds most of them its connection, past limits.unfinishedBytes together', async () => {
    const broker = await start({ unfinishedBytes: 100_000 });
    const [most, less, healthy] = [await greeted(), await stage.raw(), await reader()];
    less.send(`{"head": {"channel": "x"}, "body": "${'.'.repeat(45_000)}`);
    await clock.idle();
    expect(broker.stats.unfinishedBytes).toBeGreaterThan(45_000);
    most.send(`{"head": {"channel": "x"}, "body": "${'.'.repeat(60_000)}`);
    expect(await most.next()).toMatchObject({
      head: { channel: '-control/error' },
      body: { code: 'LIMIT_EXCEEDED', message: expect.stringContaining('limits.unfinishedBytes') },
    });
    await most.closed();
    less.send('"}\0');
    await clock.idle();
    expect(bodies(healthy)).toEqual(['.'.repeat(45_000)]);
    expect(broker.stats).toMatchObject({ unfinishedBytes: 0, cut: 1 });
    expect(logger.lines.warn).toMatchObject([{ code: 'LIMIT_EXCEEDED' }]);
  });

  it('are counted no longer when their connection ends', async () => {
    const broker = await start({});
    const a = await stage.raw();
    a.send('{"head": {"channel": "x"}, "body": "...');
    await clock.idle();
    expect(broker.stats.unfinishedBytes).toBeGreaterThan(0);
    a.cut();
    await clock.idle();
    expect(broker.stats.unfinishedBytes).toBe(0);
  });
});

describe('a connection that has not sent a whole message', () => {
  it('stays for as long as it says nothing: it may be about to listen', async () => {
    const broker = await start({});
    const silent = await stage.raw();
    await clock.advance(3_600_000);
    expect(await silent.flush()).toEqual([]);
    expect(broker.stats.cut).toBe(0);
  });

  it.each([
    ['in a message', '{"head": {"chan'],
    ['before it can be told what it speaks', '{'],
    ['in a length', '\0\0'],
  ])('is ended when it began one and stopped for limits.handshakeTime, %s', async (_, bytes) => {
    const broker = await start({ handshakeTime: 5000 });
    const [stuck, healthy] = [await stage.raw(), await reader()];
    stuck.send(bytes);
    await clock.advance(4999);
    expect(stuck.isClosed).toBe(false);
    await clock.advance(1);
    expect(stuck.isClosed).toBe(true);
    expect(logger.lines.warn).toMatchObject([
      { code: 'TIMEOUT', text: expect.stringContaining('limits.handshakeTime') },
    ]);
    expect(broker.stats).toMatchObject({ cut: 1, connections: 1 });
    expect(await healthy.flush()).toEqual([]);
  });

  it('is ended as well when it goes on byte by byte, but not when it is only slow', async () => {
    const broker = await start({ handshakeTime: 1000 });
    const [dripping, slow, healthy] = [await stage.raw(), await stage.raw(), await reader()];
    slow.send('{"head": {"channel": "x"}, "body": "');
    dripping.send('{"head": {"channel": "x"}, "body": "');
    for (let second = 0; second < 10; second++) {
      slow.send('.'.repeat(70_000));
      dripping.send('.');
      await clock.advance(999);
    }
    expect(dripping.isClosed).toBe(true);
    slow.send('"}\0');
    await clock.idle();
    expect(bodies(healthy)).toEqual(['.'.repeat(700_000)]);
    expect(broker.stats.cut).toBe(1);
  });

  it('has all the time it needs for those that follow', async () => {
    await start({ handshakeTime: 1000 });
    const [a, healthy] = [await stage.raw(), await reader()];
    a.publish('x', '1');
    a.send('{"head": {"channel": "x"}, ');
    await clock.advance(100_000);
    a.send('"body": 2}\0');
    await clock.idle();
    expect(bodies(healthy)).toEqual([1, 2]);
  });
});

describe('a connection that sends more than limits.messagesPerSecond', () => {
  it('is read no faster, is told once, and loses nothing', async () => {
    const broker = await start({ messagesPerSecond: 10 });
    const [fast, healthy] = [await greeted(), await reader()];
    await clock.advance(10_000);
    for (let n = 0; n < 100; n++) fast.publish('x', `${n}`);
    await clock.idle();
    const atOnce = bodies(healthy).length;
    await clock.advance(5000);
    const later = bodies(healthy).length;
    await clock.advance(5000);
    expect(atOnce).toBeLessThanOrEqual(11);
    expect(later).toBeLessThanOrEqual(atOnce + 51);
    expect(bodies(healthy)).toEqual(upTo(100));
    expect(fast.frames.rest.map(parse)).toMatchObject([
      { head: { channel: '-control/error' }, body: { code: 'LIMIT_EXCEEDED' } },
    ]);
    expect(logger.lines.warn).toMatchObject([{ text: expect.stringContaining('limits.messagesPerSecond') }]);
    expect(broker.stats.throttled).toBeGreaterThan(1);
    expect(broker.stats).toMatchObject({ refused: 0, cut: 0 });
  });

  it('does not hold up others, who may send as many', async () => {
    await start({ messagesPerSecond: 10 });
    const [fast, other, healthy] = [await stage.raw(), await stage.raw(), await reader()];
    for (let n = 0; n < 100; n++) fast.publish('y', `${n}`);
    await clock.idle();
    for (let n = 0; n < 5; n++) other.publish('x', `${n}`);
    await clock.idle();
    expect(bodies(healthy)).toEqual(upTo(5));
  });

  it('is not taken for dead because nothing of it is read', async () => {
    await start({ messagesPerSecond: 1 });
    const fast = await stage.raw();
    fast.publish('-control/hello', '{"nonce": "1", "features": ["heartbeat"], "heartbeat": 1000}');
    fast.send(Buffer.from('{"head": {"channel": "x"}, "body": 1}\0'.repeat(60)));
    await clock.advance(30_000);
    expect(fast.isClosed).toBe(false);
  });
});

describe('a connection that sends as fast as it can', () => {
  it('waits for its turn: what another has sent meanwhile lies between', async () => {
    await start({});
    const [flood, other, healthy] = [await stage.raw(), await stage.raw(), await reader()];
    const chunk = '{"head": {"channel": "x"}, "body": 0}\0'.repeat(1700);
    for (let n = 0; n < 50; n++) flood.send(chunk);
    other.publish('x', '1');
    await clock.idle();
    const got = bodies(healthy);
    expect(got).toHaveLength(50 * 1700 + 1);
    expect(got.indexOf(1)).toBeLessThanOrEqual(3 * 1700);
  });
});

describe('limits of an endpoint', () => {
  it('hold for the connections accepted there, and those of the broker for the others', async () => {
    const broker = await stage.broker({ limits: { subscriptions: 5 }, logger });
    const narrow = await broker.listen({ url: 'memory://narrow', limits: { subscriptions: 1, connections: 1 } });
    const a = await greeted();
    for (const pattern of ['a', 'b', 'c']) a.subscribe(pattern);
    expect(await a.flush()).toEqual([]);
    const b = await RawConnection.open(stage.transport, narrow);
    stage.later(async () => b.close());
    b.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
    await b.next();
    b.subscribe('a');
    b.subscribe('b');
    expect(await b.next()).toMatchObject({ body: { code: 'LIMIT_EXCEEDED', pattern: 'b' } });
    const over = await RawConnection.open(stage.transport, narrow);
    expect(await over.closed()).toMatchObject({ by: 'error' });
    expect(broker.stats.connections).toBe(2);
    expect(await (await stage.raw()).flush()).toEqual([]);
  });

  it.each<[Readonly<Record<string, number>>, string]>([
    [{ keptBytes: 5 }, 'limits.keptBytes holds for a whole broker'],
    [{ conections: 5 }, 'there is no such limit'],
    [{ connections: -1 }, 'must be a positive number'],
  ])('are checked: %j', async (limits, text) => {
    const broker = await start({});
    await expect(broker.listen({ url: 'memory://other', limits })).rejects.toThrow(text);
  });
});

describe('a log', () => {
  it('takes limits.logLines of a kind in a second, and how many more there were', async () => {
    const broker = await start({ connections: 1, logLines: 5 });
    const healthy = await reader();
    for (let n = 0; n < 100; n++) (await stage.raw()).cut();
    await clock.idle();
    healthy.send('rubbish\0');
    await clock.idle();
    expect(logger.lines.warn).toHaveLength(6);
    await clock.advance(1000);
    expect(logger.lines.warn.at(-1)).toMatchObject({ more: 95, text: expect.stringContaining('95 more like this') });
    expect(broker.stats).toMatchObject({ turnedAway: 100, unlogged: 95, connections: 1 });
    await clock.advance(5000);
    await stage.raw();
    await clock.idle();
    expect(logger.lines.warn).toHaveLength(8);
  });
});
