import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Broker, Message } from 'spoke';
import { DEFAULT_LIMITS } from 'spoke';
import { Collector } from '../support/collector.js';
import type { RawPeer } from '../support/independent-peer/index.js';
import { LIMITS, REFUSED, sized, STRANGE } from './bad-messages.js';
import { HealthyPair } from './healthy-pair.js';
import { Scene } from './scene.js';

// One broker for all: what one case broke, the next would notice.
const stage = new Scene();
/** What one test adds to it. */
const scene = new Scene();
const logged = new Collector<{ level: string; fields: object; text: string }>();
let broker: Broker;
let port: number;
let pair: HealthyPair;
/** Subscribed to everything. */
let monitor: RawPeer;
let connectionsBefore: number;
let subscriptionsBefore: number;

beforeAll(async () => {
  const log = (level: string) => (fields: object, text: string) => logged.add({ level, fields, text });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const started = await stage.broker({ limits: LIMITS, logger });
  ({ broker, port } = started);
  pair = await HealthyPair.join(stage, started.url);
  monitor = await stage.raw(port);
  monitor.send('{"head": {"bounce": false, "channel": "-control/subscribe"}, "body": "**"}\0');
  await monitor.roundTrip();
  connectionsBefore = broker.stats.connections;
  subscriptionsBefore = broker.stats.subscriptions;
});

afterEach(async () => {
  await scene.close();
  await untilBackToNormal();
  await seenByOthers();
});

afterAll(async () => {
  await stage.close();
  // Nothing in the broker failed on its own account.
  expect(logged.items.filter(({ level }) => level === 'error')).toEqual([]);
  expect(logged.items.filter(({ fields }) => JSON.stringify(fields).includes('HANDLER_FAILED'))).toEqual([]);
});

/** What the monitor saw besides the healthy pair, since it was asked last. */
async function seenByOthers(): Promise<string[]> {
  await monitor.roundTrip();
  expect(monitor.complaints).toEqual([]);
  return monitor.messages.splice(0).filter((message) => !message.includes('"channel": "healthy/'));
}

/** A stranger that never heard of extensions, and one that wants to be told of errors. */
async function strangers(): Promise<RawPeer[]> {
  const [old, told] = [await scene.raw(port), await scene.raw(port)];
  // What a connection begins with says which language it speaks; this is about what comes later.
  await old.roundTrip();
  told.send('{"head": {"channel": "-control/hello"}, "body": {"nonce": "n", "features": ["errors"]}}\0');
  await told.roundTrip();
  expect(told.messages.splice(0)).toEqual([expect.stringContaining('"-control/welcome"')]);
  return [old, told];
}

async function untilBackToNormal(): Promise<void> {
  // The end of a connection reaches the broker in its own time; each exchange gives it some.
  for (let n = 0; n < 1000 && broker.stats.connections > connectionsBefore; n++) await pair.exchange(1);
  expect(broker.stats).toMatchObject({
    connections: connectionsBefore,
    subscriptions: subscriptionsBefore,
    outboundBytes: 0,
  });
}

const withoutTime = (message: string): string => message.replace(/"time": 1[0-9.]+/, '"time": <time>');

describe('Beside somebody who sends the broker', () => {
  it.each(REFUSED)('$what, all others go on, and so does the sender', async ({ bytes, code }) => {
    const [old, told] = await strangers();
    for (const stranger of [old, told]) {
      if (stranger === undefined) continue;
      // By its first bytes a stream chooses its codec, and gives away that it is HTTP; here it has chosen JSON.
      await stranger.roundTrip();
      const before = broker.stats.refused;
      const exchanged = pair.exchange(3);
      stranger.send(bytes);
      stranger.send(Uint8Array.of(0));
      await stranger.roundTrip();
      await exchanged;
      expect(broker.stats.refused - before).toBe(1);
      expect(await seenByOthers()).toEqual([]);
    }
    expect(old?.messages).toEqual([]);
    const [error, ...more] = told?.messages ?? [];
    expect(more).toEqual([]);
    expect(JSON.parse(error ?? '')).toMatchObject({
      head: { channel: '-control/error', time: expect.any(Number) },
      body: { code, message: expect.stringMatching(/.{5,500}/) },
    });
  });
});

describe('A strange message is passed on in a form that everyone can read', () => {
  it.each(STRANGE)('$what', async ({ text, arrives }) => {
    const { client, errors } = await scene.client(`tcp://127.0.0.1:${port}`);
    const heard = new Collector<Message>();
    await client.subscribe('odd/**', heard.add);
    const raw = await scene.raw(port);
    const exchanged = pair.exchange(3);
    await seenByOthers();
    raw.send(`${text}\0`);
    await raw.roundTrip();
    expect((await seenByOthers()).map(withoutTime)).toEqual([arrives ?? text]);
    const message = await heard.next();
    expect(message.body).toEqual(JSON.parse(text).body ?? null);
    expect(Object.keys(message.head)).toContain('channel');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(errors).toEqual([]);
    await exchanged;
  });
});

describe('The sizes of messages', () => {
  it.each([LIMITS.messageBytes, LIMITS.messageBytes - 1])('%d bytes pass, whole and in pieces', async (bytes) => {
    const { client, errors } = await scene.client(`tcp://127.0.0.1:${port}`, { limits: LIMITS });
    const heard = new Collector<Message>();
    await client.subscribe('big', heard.add);
    const raw = await scene.raw(port);
    await seenByOthers();
    const text = sized(bytes, 'big');
    raw.send(`${text}\0`);
    for (let i = 0; i < text.length; i += 1000) raw.send(text.slice(i, i + 1000));
    raw.send(Uint8Array.of(0));
    await raw.roundTrip();
    await pair.exchange(1);
    expect((await seenByOthers()).map(({ length }) => length > bytes)).toEqual([true, true]);
    // Also to a client with the same limit, although the broker has added a time.
    await client.flush();
    expect(errors).toEqual([]);
    expect(heard.items.map(({ body }) => String(body).length)).toEqual([bytes - 40, bytes - 40]);
  });
});

describe('With the default limits', () => {
  it('a message of 8 MiB passes from client to client and to a peer, and one byte more is refused', async () => {
    const { broker: roomy, port: other, url } = await scene.broker();
    const { client, errors } = await scene.client(url);
    const peer = await scene.raw(other);
    peer.subscribe('big');
    await peer.roundTrip();
    const heard = new Collector<Message>();
    await client.subscribe('big', heard.add);
    const limit = DEFAULT_LIMITS.messageBytes;
    const raw = await scene.raw(other);
    raw.send(`${sized(limit, 'big')}\0`);
    raw.send(`${sized(limit + 1, 'big')}\0`);
    await raw.roundTrip();
    await peer.roundTrip();
    await client.flush();
    expect(heard.items.map(({ body }) => String(body).length)).toEqual([limit - 40]);
    expect(peer.messages.filter((message) => message.includes('"big"'))).toHaveLength(1);
    expect(roomy.stats.refused).toBe(1);
    expect(errors).toEqual([]);
  });
});

describe('The sizes of heads', () => {
  it('pass up to the limit, also to a client with the same limit, although the broker adds a time and blanks', async () => {
    const { client, errors } = await scene.client(`tcp://127.0.0.1:${port}`, { limits: LIMITS });
    const heard = new Collector<Message>();
    await client.subscribe('head', heard.add);
    const raw = await scene.raw(port);
    await seenByOthers();
    let head = '{"channel":"head"';
    for (let n = 100; head.length < LIMITS.headBytes - 20; n++) head += `,"${n}":1`;
    head += `,"pad":"${'x'.repeat(LIMITS.headBytes - head.length - 10)}"}`;
    expect(head).toHaveLength(LIMITS.headBytes);
    raw.send(`{"head":${head}}\0`);
    await raw.roundTrip();
    expect(await seenByOthers()).toHaveLength(1);
    await client.flush();
    expect(errors).toEqual([]);
    expect(heard.items).toHaveLength(1);
  });
});

describe('Beside a connection that', () => {
  it('never ends its message, all others go on, and it may end it after all', async () => {
    const [old, told] = await strangers();
    for (const stranger of [old, told]) {
      if (stranger === undefined) continue;
      const before = broker.stats.refused;
      stranger.send('{"head": {"channel": "bad"}, "body": "');
      for (let i = 0; i < 40; i++) {
        stranger.send('x'.repeat(8 * 1024));
        await pair.exchange(1);
      }
      stranger.send('"}\0');
      await stranger.roundTrip();
      expect(broker.stats.refused - before).toBe(1);
      await stranger.end();
    }
    expect(await seenByOthers()).toEqual([]);
    expect(told?.messages).toEqual([expect.stringContaining('limits.messageBytes')]);
  });

  it.each(['end', 'reset'] as const)('goes in the middle of a message (%s), nobody sees a part of it', async (how) => {
    for (const part of ['{', '{"head": {"channel": "bad"}, "body": 1}', sized(50_000).slice(0, -1)]) {
      const raw = await scene.raw(port);
      raw.subscribe('x/**');
      await raw.roundTrip();
      raw.send(part);
      await pair.exchange(1);
      await raw[how]();
    }
    const seen = await seenByOthers();
    expect(seen.every((message) => message.includes('"-control/subscribe"'))).toBe(true);
  });

  it('breaks off while the broker is sending to it, the others get everything', async () => {
    const raw = await scene.raw(port);
    raw.subscribe('flood');
    await raw.roundTrip();
    const talker = await scene.raw(port);
    const text = `${sized(60_000, 'flood')}\0`;
    for (let i = 0; i < 20; i++) {
      talker.send(text);
      if (i === 10) await raw.reset();
    }
    await talker.roundTrip();
    await pair.exchange(3);
    const seen = await seenByOthers();
    expect(seen.filter((message) => message.includes('"flood"'))).toHaveLength(21);
  });

  it('sends one byte at a time, its messages arrive like any other', async () => {
    const raw = await scene.raw(port);
    const bytes = Buffer.from(
      '{"head": {"channel": "slow"}, "body": "Grüße ✓"}\0nonsense\0{"head": {"channel": "slow"}, "body": 2}\0',
    );
    for (const [i, byte] of bytes.entries()) {
      raw.send(Uint8Array.of(byte));
      // Makes sure that the broker reads it alone.
      if (i % 4 === 0) await pair.exchange(1);
    }
    await raw.roundTrip();
    const seen = (await seenByOthers()).map((message) => message.slice(message.indexOf('"body"')));
    expect(seen).toEqual(['"body": "Grüße ✓"}', '"body": 2}']);
  });

  it('sends its bytes by turns with another one, each is read on its own', async () => {
    const talkers = [await scene.raw(port), await scene.raw(port)];
    const texts = talkers.map((_, who) =>
      Buffer.from([0, 1, 2].map((n) => `{"head": {"channel": "turns/${who}"}, "body": [${who}, ${n}]}\0`).join('')),
    );
    for (let i = 0; i < Math.max(...texts.map(({ length }) => length)); i++) {
      for (const [who, talker] of talkers.entries()) talker.send(texts[who]?.subarray(i, i + 1) ?? '');
      if (i % 8 === 0) await pair.exchange(1);
    }
    for (const talker of talkers) await talker.roundTrip();
    const seen = await seenByOthers();
    for (const who of talkers.keys()) {
      const said = seen.map((message) => JSON.parse(message).body).filter(([speaker]) => speaker === who);
      expect(said).toEqual([0, 1, 2].map((n) => [who, n]));
    }
    expect(seen).toHaveLength(6);
  });

  it('sends everything bad at once, good messages between arrive in order', async () => {
    const raw = await scene.raw(port);
    const bad = REFUSED.filter(({ bytes }) => bytes.length < 10_000);
    const before = broker.stats.refused;
    const all = bad.flatMap(({ bytes }, n) => [
      Buffer.from(bytes),
      Buffer.from(`\0{"head": {"channel": "good"}, "body": ${n}}\0`),
    ]);
    const exchanged = pair.exchange(20);
    raw.send(Buffer.concat(all));
    await raw.roundTrip();
    await exchanged;
    expect(broker.stats.refused - before).toBe(bad.length);
    const seen = (await seenByOthers()).map((message) => Number(/"body": (\d+)/.exec(message)?.[1]));
    expect(seen).toEqual(bad.map((_, n) => n));
  });

  const FIRST = [
    { what: 'HTTP', bytes: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' },
    { what: 'a TLS handshake', bytes: Buffer.from('160301020001000001fc0303', 'hex') },
    { what: 'zeros without end', bytes: new Uint8Array(100) },
    { what: 'one frame of msgpack and then no length', bytes: Buffer.from('00000003000180ff', 'hex') },
  ];
  it.each(FIRST)('begins with $what, all others go on, and the log says why it was closed', async ({ bytes }) => {
    const raw = await scene.raw(port);
    const before = logged.items.length;
    const exchanged = pair.exchange(3);
    raw.send(bytes);
    await raw.until(() => raw.ended, 'to be closed');
    await exchanged;
    expect(await seenByOthers()).toEqual([]);
    await untilBackToNormal();
    const lines = logged.items.slice(before).filter(({ level }) => level === 'warn');
    expect(lines.at(-1)?.text).toMatch(/speaks (HTTP|TLS|none of)|out of step/);
  });

  it.each(['0', '-5', '0.001', '1e999', '1e308', '"x"', 'null', '[]'])(
    'promises a heartbeat of %s milliseconds, it is welcome and goes on',
    async (heartbeat) => {
      const raw = await scene.raw(port);
      const body = `{"nonce": "n", "features": ["heartbeat", "errors"], "heartbeat": ${heartbeat}}`;
      raw.send(`{"head": {"channel": "-control/hello"}, "body": ${body}}\0`);
      await raw.roundTrip();
      await pair.exchange(5);
      await raw.roundTrip();
      expect(raw.messages).toEqual([expect.stringContaining('"-control/welcome"')]);
      expect(await seenByOthers()).toEqual([]);
    },
  );

  it('sends empty messages by the thousand, they cost nothing but their refusal', async () => {
    const raw = await scene.raw(port);
    const before = broker.stats.refused;
    raw.send('{"head": {"channel": "good"}, "body": 0}\0');
    raw.send(new Uint8Array(20_000));
    await raw.roundTrip();
    await pair.exchange(3);
    expect(broker.stats.refused - before).toBe(20_000);
    expect(await seenByOthers()).toHaveLength(1);
  });
});

describe('When all that is over', () => {
  it('the log has one line for each connection that was refused something, and none of an inner failure', () => {
    const lines = logged.items.filter(({ level }) => level === 'warn');
    expect(lines.length).toBeLessThan(2 * REFUSED.length + 50);
    for (const { text } of lines) expect(text.length).toBeLessThan(1000);
  });

  it('the memory of unfinished messages has been given back', async () => {
    await pair.exchange(1);
    const before = await bytesInUse();
    const half = sized(LIMITS.messageBytes).slice(0, -1);
    const raws: RawPeer[] = [];
    for (let i = 0; i < 200; i++) raws.push(await scene.raw(port));
    for (const raw of raws) raw.send(half);
    await pair.exchange(20);
    for (const raw of raws) await raw.reset();
    raws.length = 0;
    await untilBackToNormal();
    // 200 x 64 KiB were held; what is left is noise.
    expect((await bytesInUse()) - before).toBeLessThan(5_000_000);
  });
});

async function bytesInUse(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no garbage collector to call');
  // Twice, with a turn between: what is freed by finalizers goes in the second round.
  collect();
  await pair.exchange(1);
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
