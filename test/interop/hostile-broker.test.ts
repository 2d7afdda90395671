import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Client, Message, SpokeError } from 'spoke';
import { Collector } from '../support/collector.js';
import type { IndependentServer, ServedConnection } from '../support/independent-peer/index.js';
import { LIMITS, sized, STRANGE, UNREADABLE } from './bad-messages.js';
import { Scene } from './scene.js';

const scene = new Scene();
let server: IndependentServer;
let client: Client;
let errors: Collector<SpokeError>;
let heard: Collector<Message>;
let states: string[];

beforeEach(async () => {
  server = await scene.foreignServer();
  ({ client } = await scene.client(server.url, { limits: LIMITS }));
  errors = new Collector<SpokeError>('errors');
  client.on('error', errors.add);
  heard = new Collector<Message>('messages');
  await client.subscribe('app/**', heard.add);
  states = [];
  client.on('state', (state) => states.push(state));
});

afterEach(async () => {
  await scene.close();
});

/** The server's side of the client. */
function connection(): ServedConnection {
  const [first] = server.connections;
  if (first === undefined) throw new Error('the client is not connected');
  return first;
}

function inject(...messages: (string | Uint8Array)[]): void {
  for (const message of messages) connection().inject(Buffer.concat([Buffer.from(message), Uint8Array.of(0)]));
}

/** Everything the server sent so far has been read, and the client does its work as before. */
async function expectUsable(): Promise<void> {
  await client.flush({ timeout: 5000 });
  const before = heard.items.length;
  await client.publish('app/usable', before);
  await client.flush({ timeout: 5000 });
  expect(heard.items.slice(before).map(({ channel, body }) => ({ channel, body }))).toEqual([
    { channel: 'app/usable', body: before },
  ]);
  expect(states).toEqual([]);
}

function patternLike(expression: RegExp): string {
  for (const pattern of connection().patterns) {
    const id = expression.exec(pattern)?.[1];
    if (id !== undefined) return id;
  }
  throw new Error(`no subscription like ${String(expression)}`);
}

describe('A client of a broker that sends', () => {
  it.each(UNREADABLE)('$what reports it as an error and goes on', async ({ bytes, code }) => {
    inject(bytes);
    expect(await errors.next()).toMatchObject({ code });
    await expectUsable();
    expect(errors.rest).toEqual([]);
  });

  it.each(STRANGE)('$what gets it like any other message', async ({ text }) => {
    const odd = new Collector<Message>();
    await client.subscribe('odd/**', odd.add);
    inject(text);
    expect((await odd.next()).body).toEqual(JSON.parse(text).body ?? null);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    await expectUsable();
    expect(errors.items).toEqual([]);
  });

  it('messages nobody asked for takes no notice', async () => {
    inject('{"head": {"channel": "other"}, "body": 1}', '{"head": {"channel": ""}, "body": 1}', sized(5000, 'other'));
    await expectUsable();
    expect(errors.items).toEqual([]);
  });

  it('a message that never ends holds no more of it than the limit, and goes on when it has ended', async () => {
    for (let i = 0; i < 50; i++) connection().inject('x'.repeat(8 * 1024));
    expect(await errors.next()).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    inject('');
    await expectUsable();
    expect(errors.rest).toEqual([]);
  });

  it('half a message and breaks off connects again, and the half is forgotten', async () => {
    connection().inject('{"head": {"channel": "app/x"}, "body": "ha');
    const again = new Promise<void>((resolve) => client.on('state', (state) => state === 'connected' && resolve()));
    connection().socket.resetAndDestroy();
    await again;
    await client.flush();
    states = [];
    await expectUsable();
    expect(heard.items.map(({ channel }) => channel)).toEqual(['app/usable']);
    expect(errors.items).toEqual([]);
  });
});

describe('A client is not taken in by', () => {
  const WELCOMES = [
    '{"nonce": "wrong", "features": ["errors", "ping"], "server": "x"}',
    '{"nonce": "", "features": ["errors"]}',
    '{"nonce": null, "features": ["errors"]}',
    '{"features": ["errors"]}',
    'null',
    '"welcome"',
    '[]',
    '{"__proto__": {"nonce": "x", "features": []}}',
  ];

  it.each(WELCOMES)('a welcome that is not meant for it: %s', async (body) => {
    inject(`{"head": {"channel": "-control/welcome"}, "body": ${body}}`);
    await expectUsable();
    expect([...client.features]).toEqual([]);
    expect(errors.items).toEqual([]);
  });

  it('a welcome with features that it did not ask for, or of the wrong kind', async () => {
    const quiet = await scene.foreignServer();
    const { client: asked, errors: reported } = await scene.client(quiet.url, { heartbeat: false });
    const left: string[] = [];
    asked.on('state', (state) => left.push(state));
    await asked.flush();
    const hello = quiet.received.find(({ channel }) => channel === '-control/hello');
    const nonce = JSON.stringify(Reflect.get(Object(hello?.body), 'nonce'));
    const features = '[1, null, "unheard-of", {}, "heartbeat", "errors"]';
    const body = `{"nonce": ${nonce}, "features": ${features}, "heartbeat": 0}`;
    quiet.connections[0]?.inject(`{"head": {"channel": "-control/welcome"}, "body": ${body}}\0`);
    // With a heartbeat that it never meant to have, its connection would be gone by the second round.
    for (let n = 0; n < 5; n++) await asked.flush();
    expect([...asked.features]).toEqual(['errors']);
    expect(left).toEqual([]);
    expect(reported).toEqual([]);
  });

  it('errors from a broker that has not welcomed it', async () => {
    const watched = new Collector<Message>();
    await client.subscribe('-control/error', watched.add, { bounce: false });
    inject('{"head": {"channel": "-control/error"}, "body": {"code": "FORBIDDEN", "message": "no"}}');
    expect((await watched.next()).body).toEqual({ code: 'FORBIDDEN', message: 'no' });
    await expectUsable();
    expect(errors.items).toEqual([]);
  });

  it('errors of a strange kind from a broker that has: it reports what can be understood', async () => {
    const hello = server.received.find(({ channel }) => channel === '-control/hello');
    const nonce = JSON.stringify(Reflect.get(Object(hello?.body), 'nonce'));
    const error = (body: string) => `{"head": {"channel": "-control/error"}, "body": ${body}}`;
    inject(
      `{"head": {"channel": "-control/welcome"}, "body": {"nonce": ${nonce}, "features": ["errors"]}}`,
      ...['null', '1', '"text"', '[]', '{}', '{"code": 1, "message": "x"}', '{"code": "FORBIDDEN"}'].map(error),
      error('{"code": "FORBIDDEN", "message": "no", "channel": 5}'),
      error('{"code": "FROM_THE_FUTURE", "message": "what is this?", "channel": "app/x"}'),
      error('{"code": "__proto__", "message": ""}'),
    );
    const reported = await errors.take(3);
    expect(reported.map(({ code }) => code)).toEqual(['FORBIDDEN', 'FROM_THE_FUTURE', '__proto__']);
    expect(reported[1]?.details).toMatchObject({ code: 'FROM_THE_FUTURE', channel: 'app/x' });
    await expectUsable();
    expect(errors.rest).toEqual([]);
  });

  it('results of calls that it did not make', async () => {
    const answering = await scene.peer(server.port);
    await answering.provide('app/f', (x) => x);
    await answering.roundTrip();
    expect(await client.call('app/f', 1)).toBe(1);
    const id = patternLike(/^\*\*\/-rpc\/([^/]+)\/\*\/result$/);
    const numbers = ['1', '2', '0', '-1', '1e3', '%20', 'NaN', 'Infinity', '__proto__', '9'.repeat(30)];
    for (const number of numbers) {
      inject(`{"head": {"channel": "app/f/-rpc/${id}/${number}/result"}, "body": {"okay": "forged"}}`);
    }
    inject(`{"head": {"channel": "app/f/-rpc/somebody-else/1/result"}, "body": {"okay": "forged"}}`);
    await client.flush();
    expect(await client.call('app/f', 'mine')).toBe('mine');
    heard.items.length = 0;
    await expectUsable();
    expect(errors.items).toEqual([]);
  });

  const REPLIES = [
    { reply: 'null', code: 'REPLY_MALFORMED' },
    { reply: '5', code: 'REPLY_MALFORMED' },
    { reply: '[]', code: 'REPLY_MALFORMED' },
    { reply: '{}', code: 'REPLY_MALFORMED' },
    { reply: '"okay"', code: 'REPLY_MALFORMED' },
    { reply: '{"__proto__": {"okay": 1}}', code: 'REPLY_MALFORMED' },
    { reply: '{"okay": 1, "error": "both"}', code: 'REMOTE' },
    { reply: '{"error": null}', code: 'REMOTE' },
    { reply: '{"error": {"deep": [1]}}', code: 'REMOTE' },
  ];
  it.each(REPLIES)('the malformed result $reply: the call fails, the next works', async ({ reply, code }) => {
    const call = client.call('app/f', 1, { timeout: 5000 });
    await server.until(() => server.received.some(({ channel }) => channel.endsWith('/call')), 'the call');
    const channel = server.received.find((message) => message.channel.endsWith('/call'))?.channel ?? '';
    inject(`{"head": {"channel": "${channel.replace(/call$/, 'result')}"}, "body": ${reply}}`);
    await expect(call).rejects.toMatchObject({ code });
    const answering = await scene.peer(server.port);
    await answering.provide('app/f', () => 'fine');
    await answering.roundTrip();
    expect(await client.call('app/f', 2, { timeout: 5000 })).toBe('fine');
  });

  it('answers to pings that it did not send: what waits goes on waiting for its own', async () => {
    const id = patternLike(/^-control\/ping\/([^/]+)\/\*$/);
    const isPing = (channel: string) => channel.startsWith(`-control/ping/${id}/`);
    server.swallows = isPing;
    const before = server.received.length;
    const own = () => server.received.slice(before).find(({ channel }) => isPing(channel));
    let flushed = false;
    const flush = client.flush({ timeout: 5000 }).then(() => (flushed = true));
    await server.until(() => own() !== undefined, 'the ping');

    for (const number of ['NaN', 'x', '', '-1', '1e999', 'Infinity', '999999', '%00', '__proto__']) {
      inject(`{"head": {"channel": "-control/ping/${id}/${number}"}, "body": null}`);
    }
    inject('{"head": {"channel": "app/behind"}, "body": null}');
    await heard.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(flushed).toBe(false);

    inject(`{"head": {"channel": "${own()?.channel}"}, "body": null}`);
    await flush;
    server.swallows = () => false;
    await expectUsable();
    expect(errors.items).toEqual([]);
  });
});
