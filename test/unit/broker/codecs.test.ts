// Several codecs on one broker: recognised by their first bytes, and messages pass from one to the other.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { JsonCodec } from '../../../src/codecs/index.js';
import { LengthCodec } from '../../support/length-codec.js';
import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import type { Stage, StagedClient } from '../../support/stage.js';
import { memoryStage } from '../../support/stage.js';
import type { VirtualClock } from '../../support/virtual-clock.js';

let stage: Stage;
let clock: VirtualClock;
let length: LengthCodec;
let logger: RecordingLogger;
beforeEach(async () => {
  ({ stage, clock } = memoryStage());
  length = new LengthCodec();
  logger = new RecordingLogger();
  await stage.broker({ codecs: [length, new JsonCodec()], logger });
});
afterEach(async () => stage.close());

async function subscribed(codec: 'json' | LengthCodec, pattern: string): Promise<StagedClient & { bodies: unknown[] }> {
  const staged = await stage.join({ codec });
  const bodies: unknown[] = [];
  await staged.client.subscribe(pattern, (message) => bodies.push(message.body));
  return { ...staged, bodies };
}

async function greeted(): Promise<RawConnection> {
  const raw = await stage.raw();
  raw.publish('-control/hello', '{"nonce": "1", "features": ["errors"]}');
  await raw.next();
  return raw;
}

describe('clients of two codecs', () => {
  it('understand each other on one port, both ways', async () => {
    const json = await subscribed('json', 'to/json');
    const other = await subscribed(new LengthCodec(), 'to/other');
    await json.client.publish('to/other', { a: [1, 'ä', true] });
    await other.client.publish('to/json', { b: [2, 'ö', false] });
    await clock.idle();
    expect(other.bodies).toEqual([{ a: [1, 'ä', true] }]);
    expect(json.bodies).toEqual([{ b: [2, 'ö', false] }]);
  });

  it('get the whole head: time, persist and the keys of other programs', async () => {
    const other = await stage.client({ codec: new LengthCodec() });
    const heads: unknown[] = [];
    await other.subscribe('x', (message) => heads.push(message.head));
    const raw = await stage.raw();
    raw.publish('x', '1', { persist: true, time: 5.5, trace: { id: [1] }, bounce: false });
    await clock.idle();
    expect(heads).toEqual([{ channel: 'x', persist: true, time: 5.5, trace: { id: [1] } }]);
  });

  it('call each other', async () => {
    const provider = await stage.client({ codec: new LengthCodec() });
    await provider.provide('twice', (text: string) => text + text);
    const caller = await stage.client();
    expect(await caller.call('twice', 'ab')).toBe('abab');
  });

  it('see one order of one publisher', async () => {
    const other = await subscribed(new LengthCodec(), '**');
    const publisher = await stage.raw();
    for (let n = 0; n < 200; n++) publisher.publish(`c/${n % 3}`, String(n), n % 5 === 0 ? { persist: true } : {});
    await clock.idle();
    expect(other.bodies.filter((body) => typeof body === 'number')).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  it('cost one encoding for each codec that is listening, however many clients', async () => {
    for (let n = 0; n < 10; n++) await subscribed(new LengthCodec(), 'x');
    for (let n = 0; n < 10; n++) await subscribed('json', 'x');
    const publisher = await stage.raw();
    await publisher.flush();
    await clock.idle();
    const before = { ...length.counts };
    publisher.publish('x', '1');
    await clock.idle();
    expect(length.counts).toEqual({ ...before, encode: before.encode + 1 });
  });

  it('get kept messages in their own codec, whichever they were kept in', async () => {
    const publisher = await stage.raw();
    publisher.publish('from/json', '{"n": 1}', { persist: true, time: 1 });
    const writer = await stage.client({ codec: new LengthCodec() });
    await writer.publish('from/other', { n: 2 }, { persist: true, time: 2 });
    await writer.flush();
    await publisher.flush();
    const json = await subscribed('json', 'from/*');
    const other = await subscribed(new LengthCodec(), 'from/*');
    expect(json.bodies).toEqual([{ n: 1 }, { n: 2 }]);
    expect(other.bodies).toEqual([{ n: 1 }, { n: 2 }]);
  });
});

describe('a message that one codec cannot carry', () => {
  it('reaches everyone else, and its sender is told NOT_ENCODABLE once', async () => {
    const others = [await subscribed(new LengthCodec(), 'x'), await subscribed(new LengthCodec(), 'x')];
    const json = await subscribed('json', 'x');
    const a = await greeted();
    a.publish('x', '"unsayable"');
    a.publish('x', '"fine"');
    await clock.idle();
    expect(json.bodies).toEqual(['unsayable', 'fine']);
    for (const other of others) expect(other.bodies).toEqual(['fine']);
    expect(a.frames.rest.map((frame) => JSON.parse(frame).body)).toMatchObject([
      { code: 'NOT_ENCODABLE', channel: 'x' },
    ]);
  });

  it('is kept all the same, and left out where it cannot be sent', async () => {
    const a = await stage.raw();
    a.publish('x/1', '["unsayable"]', { persist: true });
    a.publish('x/2', '2', { persist: true });
    await a.flush();
    const json = await subscribed('json', 'x/*');
    const other = await subscribed(new LengthCodec(), 'x/*');
    expect(json.bodies).toEqual([['unsayable'], 2]);
    expect(other.bodies).toEqual([2]);
    expect(logger.lines.warn).toMatchObject([{ text: 'kept message not sent' }]);
  });
});

describe('a connection that speaks no known codec', () => {
  it('is ended, whatever it sends, and nobody else notices', async () => {
    const only = await stage.broker({ listen: 'memory://only', codecs: [length], logger });
    const good = await subscribed(new LengthCodec(), 'x');
    const bad = await stage.raw();
    bad.publish('x', '1');
    expect(await bad.closed()).toMatchObject({ by: 'remote' });
    await good.client.publish('x', 2);
    await clock.idle();
    expect(good.bodies).toEqual([2]);
    expect(logger.lines.warn).toMatchObject([{ code: 'UNKNOWN_CODEC' }, { code: 'UNKNOWN_CODEC' }]);
    expect(only.stats.connections).toBe(1);
  });
});
