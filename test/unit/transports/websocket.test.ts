import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Connection, SpokeErrorCode } from '../../../src/contracts/index.js';
import { SpokeError } from '../../../src/contracts/index.js';
import { TcpTransport } from '../../../src/transports/tcp/index.js';
import type { WebSocketTransportOptions } from '../../../src/transports/websocket/index.js';
import { WebSocketTransport } from '../../../src/transports/websocket/index.js';
import type { OpenEndpoint } from '../../support/endpoints.js';
import { Endpoints, Receiver } from '../../support/endpoints.js';
import { tlsFile } from '../../support/tls-files.js';
import { within } from '../../support/within.js';

const MiB = 1024 * 1024;

let endpoints: Endpoints;
beforeEach(() => {
  endpoints = new Endpoints();
});
afterEach(async () => endpoints.close());

const listen = async (options: WebSocketTransportOptions = {}, query = '', limits = {}) =>
  endpoints.listen(new WebSocketTransport(options), `ws://127.0.0.1:0${query}`, limits);
const connect = async (url: string, limits = {}) => endpoints.connect(new WebSocketTransport(), url, limits);
const portOf = (url: string) => Number(/:(\d+)/.exec(url)?.[1]);

/** A WebSocket that is not ours. */
async function foreign(url: string, protocols: string[] = [], origin?: string): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols, origin === undefined ? {} : { origin });
  endpoints.atEnd(() => socket.terminate());
  await within(once(socket, 'open'), 'the WebSocket opens');
  return socket;
}

/** How the other side saw it end. */
async function farewellTo(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await within(once(socket, 'close'), 'the WebSocket ends')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

async function pair(opened: OpenEndpoint): Promise<{ socket: WebSocket; connection: Connection; receiver: Receiver }> {
  const socket = await foreign(opened.url);
  const connection = await opened.accepted.next();
  return { socket, connection, receiver: new Receiver(connection) };
}

describe('a text message', () => {
  test.each([
    ['without its NUL', '{"head": {"channel": "é"}}', '{"head": {"channel": "é"}}\0'],
    ['with its NUL', '{"head": {}}\0', '{"head": {}}\0'],
    ['with several of ours', '{"a": 1}\0{"b": 2}', '{"a": 1}\0{"b": 2}\0'],
  ])('%s arrives as the bytes of the stream, with a NUL at the end', async (_, sent, arrives) => {
    const { socket, receiver } = await pair(await listen());
    socket.send(sent);
    expect(Buffer.from(await receiver.chunks.next()).toString()).toBe(arrives);
  });

  test('that is empty is nothing', async () => {
    const { socket, receiver } = await pair(await listen());
    socket.send('');
    socket.send(Buffer.alloc(0));
    socket.send('x');
    expect(Buffer.from(await receiver.chunks.next()).toString()).toBe('x\0');
  });

  test('that is not UTF-8 ends the connection with code 1007', async () => {
    const { socket, receiver } = await pair(await listen());
    socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await farewellTo(socket)).toMatchObject({ code: 1007 });
    expect(await receiver.closed()).toMatchObject({ by: 'error', error: { code: 'MALFORMED' } });
  });
});

describe('a binary message', () => {
  test('arrives as it is, and ours are binary', async () => {
    const { socket, connection, receiver } = await pair(await listen());
    socket.send(Buffer.from('{"half":'));
    expect(Buffer.from(await receiver.chunks.next()).toString()).toBe('{"half":');
    const message = once(socket, 'message');
    connection.send(Buffer.from('{}\0'));
    expect(await within(message, 'a message')).toEqual([Buffer.from('{}\0'), true]);
  });

  test('of limits.messageBytes and 1 MiB arrives; a longer one ends its connection, and no other, with 1009', async () => {
    const opened = await listen({}, '', { messageBytes: 1000 });
    const { socket, receiver } = await pair(opened);
    const neighbour = await pair(opened);
    socket.send(Buffer.alloc(MiB + 1000));
    expect(await receiver.chunks.next()).toHaveLength(MiB + 1000);
    socket.send(Buffer.alloc(MiB + 1001));
    expect(await farewellTo(socket)).toMatchObject({ code: 1009 });
    expect(await receiver.closed()).toMatchObject({
      by: 'error',
      error: { code: 'LIMIT_EXCEEDED', message: expect.stringContaining('limits.messageBytes') },
    });
    neighbour.socket.send('x');
    await neighbour.receiver.chunks.next();
  });
});

describe('the end of a WebSocket', () => {
  test('is 1001 when the listening side closes, 1000 when the connecting side does', async () => {
    const opened = await listen();
    const { socket, connection, receiver } = await pair(opened);
    const farewell = farewellTo(socket);
    connection.close();
    expect(await farewell).toEqual({ code: 1001, reason: '' });
    expect(await receiver.closed()).toEqual({ by: 'local' });

    const client = new Receiver(await connect(opened.url));
    const server = await opened.accepted.next();
    server.start({ data() {}, drain() {}, close() {} });
    server.close();
    expect(await client.closed()).toEqual({ by: 'remote' });
  });

  test.each([
    ['UNAUTHENTICATED', 1008, 'UNAUTHENTICATED: who are you?'],
    ['SLOW_CONSUMER', 1008, 'SLOW_CONSUMER: who are you?'],
    ['MALFORMED', 1007, 'MALFORMED: who are you?'],
    ['UNKNOWN_CODEC', 1003, 'UNKNOWN_CODEC: who are you?'],
    ['CLOSED', 1001, 'CLOSED'],
    // What went wrong inside is none of the other side's business.
    ['HANDLER_FAILED', 1011, 'HANDLER_FAILED'],
    ['STORE_FAILED', 1011, 'STORE_FAILED'],
  ] satisfies [SpokeErrorCode, number, string][])(
    'is told why it was aborted: %s is %d',
    async (code, number, reason) => {
      const { socket, connection, receiver } = await pair(await listen());
      const farewell = farewellTo(socket);
      const error = new SpokeError(code, 'who are you?');
      connection.abort(error);
      expect(await farewell).toEqual({ code: number, reason });
      expect(await receiver.closed()).toEqual({ by: 'error', error });
    },
  );

  test('is told why it was closed, after what was queued', async () => {
    const { socket, connection, receiver } = await pair(await listen());
    const farewell = farewellTo(socket);
    const message = once(socket, 'message');
    connection.send(Buffer.from('the last word'));
    connection.close(new SpokeError('UNKNOWN_CODEC', 'which language is that?'));
    expect(await within(message, 'a message')).toEqual([Buffer.from('the last word'), true]);
    expect(await farewell).toEqual({ code: 1003, reason: 'UNKNOWN_CODEC: which language is that?' });
    expect(await receiver.closed()).toEqual({ by: 'local' });
  });

  test('has a reason that is cut between characters when it is long', async () => {
    const { socket, connection } = await pair(await listen());
    const farewell = farewellTo(socket);
    connection.abort(new SpokeError('FORBIDDEN', 'é'.repeat(200)));
    expect((await farewell).reason).toBe(`FORBIDDEN: ${'é'.repeat(56)}`);
  });

  test('is told to one that was not let in although it was sending', async () => {
    const opened = await listen();
    const socket = await foreign(opened.url);
    socket.send('{"head": {"channel": "-control/hello"}}');
    const connection = await opened.accepted.next();
    const farewell = farewellTo(socket);
    connection.abort(new SpokeError('UNAUTHENTICATED', 'not let in'));
    expect(await farewell).toEqual({ code: 1008, reason: 'UNAUTHENTICATED: not let in' });
  });

  test.each([1000, 1001, undefined])('by the other side with code %p is an orderly one', async (code) => {
    const { socket, receiver } = await pair(await listen());
    socket.close(code);
    expect(await receiver.closed()).toEqual({ by: 'remote' });
  });

  test.each([
    [1008, 'not you', 'refused (1008): not you'],
    [1013, '', 'try again later (1013)'],
    [4321, 'tired', 'code (4321): tired'],
  ])('by the other side with code %d is an error that says so', async (code, reason, text) => {
    const { socket, receiver } = await pair(await listen());
    socket.close(code, reason);
    expect(await receiver.closed()).toMatchObject({
      by: 'error',
      error: { code: 'CONNECTION_LOST', retryable: true, message: expect.stringContaining(text) },
    });
  });

  test('does not wait for ever for an other side that does not answer', async () => {
    const opened = await listen({ closeTimeout: 50 });
    const client = await connect(opened.url);
    // Never started, it reads nothing.
    const server = await opened.accepted.next();
    const receiver = new Receiver(server);
    server.close();
    expect(await receiver.closed()).toEqual({ by: 'local' });
    client.abort(new SpokeError('CLOSED', 'the test is over'));
  });
});

describe('messages that come in one piece', () => {
  const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
  const upgrade = (extra = '') =>
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
    `Sec-WebSocket-Key: ${KEY}\r\n${extra}\r\n`;
  /** Masked by zeros, which change nothing. */
  const frame = (opcode: number, payload: string) =>
    Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);

  test('with the handshake, and the end after them, are all delivered, though each is paused at', async () => {
    const opened = await listen();
    const socket = connectSocket({ port: portOf(opened.url), host: '127.0.0.1' });
    endpoints.atEnd(() => socket.destroy());
    socket.on('error', () => {}).resume();
    const messages = ['one', 'two', 'three'].map((text) => frame(2, text));
    socket.write(Buffer.concat([Buffer.from(upgrade()), ...messages, frame(8, '')]));

    const connection = await opened.accepted.next();
    const seen: string[] = [];
    const end = new Promise<string>((resolve) => {
      connection.start({
        data(chunk) {
          seen.push(Buffer.from(chunk).toString());
          connection.pause();
          setImmediate(() => connection.resume());
        },
        drain() {},
        close: ({ by }) => resolve(by),
      });
    });
    expect(await within(end, 'the end')).toBe('remote');
    expect(seen).toEqual(['one', 'two', 'three']);
  });

  test('are thrown away by close and by abort', async () => {
    for (const way of ['close', 'abort'] as const) {
      const opened = await listen();
      const socket = connectSocket({ port: portOf(opened.url), host: '127.0.0.1' });
      endpoints.atEnd(() => socket.destroy());
      socket.on('error', () => {}).resume();
      const messages = ['one', 'two', 'three'].map((text) => frame(2, text));
      socket.write(Buffer.concat([Buffer.from(upgrade()), ...messages, frame(8, '')]));
      const connection = await opened.accepted.next();
      const seen: string[] = [];
      const end = new Promise<string>((resolve) => {
        connection.start({
          data(chunk) {
            seen.push(Buffer.from(chunk).toString());
            connection.pause();
            setImmediate(() => (way === 'close' ? connection.close() : connection.abort(new SpokeError('CLOSED', ''))));
          },
          drain() {},
          close: ({ by }) => resolve(by),
        });
      });
      expect(await within(end, 'the end')).toBe(way === 'close' ? 'local' : 'error');
      expect(seen).toEqual(['one']);
    }
  });
});

describe('the handshake', () => {
  test.each([
    [['chat', 'spoke'], 'spoke'],
    [['mqtt', 'chat'], 'mqtt'],
    [[], ''],
  ])('of a client that offers the subprotocols %j chooses %p', async (offered, chosen) => {
    const { url } = await listen();
    expect((await foreign(url, offered)).protocol).toBe(chosen);
  });

  test('does not compress', async () => {
    const { url } = await listen();
    expect((await foreign(url)).extensions).toBe('');
  });

  test('may ask for any path, unless the endpoint has one', async () => {
    const any = await listen();
    await foreign(`${any.url}/some/where`);
    const one = await listen({}, '/spoke');
    expect(one.url).toMatch(/:\d+\/spoke$/);
    await connect(one.url);
    await connect(`${one.url}?token=x`);
    await expect(connect(one.url.replace('/spoke', '/other'))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: false,
      message: expect.stringContaining('404'),
    });
    expect(await one.errors.next()).toMatchObject({ message: expect.stringContaining('"/other"') });
  });

  test('takes the path and the query of the URL to the server', async () => {
    const server = createHttpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoints.atEnd(() => server.close());
    server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'));
    const upgrade = once(server, 'upgrade') as Promise<[{ url: string }]>;
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/a%20b?token=x%26y`;
    await expect(connect(url)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: true,
      message: expect.stringContaining('answered 503'),
    });
    const [request] = await upgrade;
    expect(request.url).toBe('/a%20b?token=x%26y');
  });

  test('that never comes is cut after limits.connectTimeout, and with its listener', async () => {
    const slow = await listen({}, '', { connectTimeout: 50 });
    const closing = await listen();
    for (const { url } of [slow, closing]) {
      const socket = connectSocket({ port: portOf(url), host: '127.0.0.1' });
      const closed = once(socket, 'close');
      socket.on('error', () => {}).resume();
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
      if (url === closing.url) {
        await connect(url);
        await closing.close();
      }
      await within(closed, 'it is cut');
    }
    expect(slow.accepted.items).toEqual([]);
  });

  test('of a server that is silent is CONNECT_FAILED after limits.connectTimeout', async () => {
    const opened = await endpoints.listen(new TcpTransport(), 'tcp://127.0.0.1:0');
    const url = opened.url.replace('tcp', 'ws');
    await expect(connect(url, { connectTimeout: 50 })).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: true,
    });
  });

  test('without a key is answered 400, and told', async () => {
    const { url, errors } = await listen();
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };
    const answer = new Promise<number | undefined>((resolve) => {
      get(url.replace('ws', 'http'), { headers }, (response) => resolve(response.resume().statusCode));
    });
    expect(await within(answer, 'an answer')).toBe(400);
    expect(await errors.next()).toMatchObject({
      code: 'MALFORMED',
      message: expect.stringContaining('Sec-WebSocket-Key'),
    });
  });
});

describe('a request that is no WebSocket', () => {
  test('is answered 426 in words, and is no error', async () => {
    const { url, errors } = await listen();
    const answer = new Promise<{ status: number | undefined; upgrade: string | undefined; text: string }>((resolve) => {
      get(url.replace('ws', 'http'), (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode, upgrade: response.headers.upgrade, text }));
      });
    });
    expect(await within(answer, 'an answer')).toEqual({
      status: 426,
      upgrade: 'websocket',
      text: expect.stringContaining(`Connect with ${url}`),
    });
    expect(errors.items).toEqual([]);
  });

  test('but bytes of a TCP client is answered in HTTP, and told once', async () => {
    const { url, errors } = await listen();
    const connection = await endpoints.connect(new TcpTransport(), url.replace('ws', 'tcp'));
    const receiver = new Receiver(connection);
    connection.send(Buffer.from('{"head": {"channel": "x"}}\0'));
    expect(await receiver.text(12)).toMatch(/^HTTP\/1\.1 400/);
    await receiver.closed();
    expect(await errors.next()).toMatchObject({
      code: 'MALFORMED',
      message: expect.stringContaining('no HTTP request'),
    });
    expect(errors.items).toHaveLength(1);
  });

  test('but TLS is told that this is a plain port', async () => {
    const { url, errors } = await listen();
    await expect(connect(url.replace('ws', 'wss'))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: false,
      message: expect.stringContaining('does not speak TLS'),
    });
    expect(await errors.next()).toMatchObject({ code: 'MALFORMED', message: expect.stringContaining('speaks TLS') });
  });
});

describe('a server that is none', () => {
  test('for WebSocket: its answer is in the error', async () => {
    const server = createHttpServer((_, response) => {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such\nthing');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoints.atEnd(() => server.close());
    await expect(connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: false,
      message: expect.stringContaining('answered 404 instead of opening a WebSocket: no such thing'),
    });
  });

  test('for HTTP: the error says that it is another kind of port', async () => {
    const opened = await endpoints.listen(new TcpTransport(), 'tcp://127.0.0.1:0');
    const attempt = connect(opened.url.replace('tcp', 'ws'));
    attempt.catch(() => {});
    const server = await opened.accepted.next();
    server.start({ data: () => server.send(Buffer.from('{"head": {}}\0')), drain() {}, close() {} });
    await expect(attempt).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('does not speak WebSocket on this port'),
    });
  });
});

describe('wss', () => {
  const tls = { cert: tlsFile('server'), key: tlsFile('server-key'), ca: tlsFile('ca') };
  const client = new WebSocketTransport({
    tls: { ca: tlsFile('ca'), cert: tlsFile('client'), key: tlsFile('client-key') },
  });

  test.each(['127.0.0.1', '[::1]'])(
    'carries bytes at %s, and shows a verified certificate of the client',
    async (host) => {
      const transport = new WebSocketTransport({ tls: { ...tls, requestCert: true } });
      const { url, accepted } = await endpoints.listen(transport, `wss://${host}:0`);
      const connection = await endpoints.connect(client, url);
      const server = await accepted.next();
      connection.send(Buffer.from('hello'));
      expect(await new Receiver(server).text(5)).toBe('hello');
      expect(server.peer.certificate?.commonName).toBe('robot-7');
    },
  );

  test('takes its options from the URL, and keeps them from the server', async () => {
    const url = `wss://127.0.0.1:0?cert=${tlsFile('server-both')}`;
    const opened = await endpoints.listen(new WebSocketTransport(), url);
    expect(opened.url).not.toContain('?');
    await endpoints.connect(new WebSocketTransport(), `${opened.url}?ca=${tlsFile('ca')}&token=x`);
  });

  test('to a server whose certificate nobody known signed is CONNECT_FAILED', async () => {
    const { url } = await endpoints.listen(new WebSocketTransport({ tls }), 'wss://127.0.0.1:0');
    await expect(connect(url)).rejects.toMatchObject({ code: 'CONNECT_FAILED', retryable: false });
  });

  test('is what the answer says to who connects by ws://', async () => {
    const { url, errors } = await endpoints.listen(new WebSocketTransport({ tls }), 'wss://127.0.0.1:0');
    await expect(connect(url.replace('wss', 'ws'))).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      message: expect.stringContaining('wss://'),
    });
    expect(await errors.next()).toMatchObject({ code: 'MALFORMED' });
  });
});

describe('web pages', () => {
  const site = async (opened: OpenEndpoint, origin: string, host = '127.0.0.1') => {
    const socket = new WebSocket(opened.url.replace('127.0.0.1', host), { origin });
    endpoints.atEnd(() => socket.terminate());
    const open = once(socket, 'open').then(() => 101);
    const refused = new Promise<number | undefined>((resolve) => {
      socket.on('unexpected-response', (_, response) => resolve(response.resume().statusCode));
    });
    return within(Promise.race([open, refused]), 'an answer');
  };

  test.each([
    ['http://localhost:5173', 101],
    ['http://127.0.0.1:8080', 101],
    ['http://app.localhost', 101],
    ['http://[::1]:3000', 101],
    ['https://evil.example', 403],
    ['http://127.0.0.1.evil.example', 403],
    ['http://localhost.evil.example', 403],
    ['null', 403],
    ['garbage', 403],
  ])('of %s are answered %d by default, on this machine', async (origin, status) => {
    const opened = await listen();
    expect(await site(opened, origin)).toBe(status);
    if (status === 403) {
      expect(await opened.errors.next()).toMatchObject({
        code: 'FORBIDDEN',
        message: expect.stringContaining(`pages of "${origin}" may not connect`),
      });
    }
  });

  test('of this machine by its own name may connect', async () => {
    const { url } = await listen();
    const host = hostname().toLowerCase();
    const socket = new WebSocket(url, { headers: { Host: `${host}:7182`, Origin: `http://${host}:8080` } });
    endpoints.atEnd(() => socket.terminate());
    await within(once(socket, 'open'), 'the WebSocket opens');
  });

  test('whose foreign name leads to this machine are refused', async () => {
    const opened = await listen();
    const headers = { Host: 'evil.example', Origin: 'http://evil.example' };
    const socket = new WebSocket(opened.url, { headers });
    endpoints.atEnd(() => socket.terminate());
    socket.on('error', () => {});
    const [, response] = (await within(once(socket, 'unexpected-response'), 'an answer')) as [
      unknown,
      { statusCode: number },
    ];
    expect(response.statusCode).toBe(403);
  });

  test('that are named may connect, and no others', async () => {
    for (const opened of [
      await listen({ origins: ['https://app.example', 'null'] }),
      await listen({ origins: [] }, '?origins=https://app.example,null'),
    ]) {
      expect(await site(opened, 'https://app.example')).toBe(101);
      expect(await site(opened, 'null')).toBe(101);
      expect(await site(opened, 'http://127.0.0.1')).toBe(403);
      await connect(opened.url);
    }
  });

  test.each([
    ['of the option', '*', ''],
    ['of the URL', undefined, '?origins=*'],
  ] as const)('of all sites may connect with the star %s', async (_, origins, query) => {
    const opened = await listen(origins === undefined ? {} : { origins }, query);
    expect(await site(opened, 'https://evil.example')).toBe(101);
  });
});

describe('the options of WebSocket', () => {
  test.each([
    ['ws://127.0.0.1:0?cert=x', 'no parameter "cert"'],
    ['wss://127.0.0.1:0?orgins=*', 'no parameter "orgins"'],
    ['ws://127.0.0.1:0?origins=', 'origins is empty'],
  ])('%s cannot be listened on', async (url, text) => {
    const attempt = endpoints.listen(new WebSocketTransport(), url);
    await expect(attempt).rejects.toMatchObject({ code: 'ADDRESS_INVALID', message: expect.stringContaining(text) });
  });

  test('are checked', () => {
    expect(() => new WebSocketTransport({ closeTimeout: 0 })).toThrow(TypeError);
    expect(() => new WebSocketTransport({ origins: 'https://app.example' as '*' })).toThrow(TypeError);
  });
});
