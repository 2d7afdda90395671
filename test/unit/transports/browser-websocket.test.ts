// The browser's side by the class of the package ws, which has the interface of browsers.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import type { Connection } from '../../../src/contracts/index.js';
import { SpokeError, withDefaults } from '../../../src/contracts/index.js';
import { parseAddress } from '../../../src/transports/index.js';
import { BrowserWebSocketTransport } from '../../../src/transports/websocket/browser/index.js';
import { Endpoints, Receiver } from '../../support/endpoints.js';
import { within } from '../../support/within.js';

let endpoints: Endpoints;
let server: WebSocketServer;
let url = '';

beforeEach(async () => {
  endpoints = new Endpoints();
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await endpoints.close();
  for (const socket of server.clients) socket.terminate();
  server.close();
});

async function connected(limits = {}): Promise<{ connection: Connection; socket: WebSocket }> {
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  const connection = await endpoints.connect(new BrowserWebSocketTransport({ WebSocket }), url, limits);
  const [socket] = await within(accepted, 'the server accepts it');
  return { connection, socket };
}

describe('the WebSocket of a browser', () => {
  test('takes binary and text messages, and sends binary ones', async () => {
    const { connection, socket } = await connected();
    const receiver = new Receiver(connection);
    socket.send('{"head": {}}');
    socket.send(Buffer.from('{"half":'));
    socket.send('');
    socket.send(Buffer.from(' 1}\0'));
    expect(await receiver.text(25)).toBe('{"head": {}}\0{"half": 1}\0');
    const message = once(socket, 'message');
    connection.send(new TextEncoder().encode('{}\0'));
    expect(await within(message, 'a message')).toEqual([Buffer.from('{}\0'), true]);
  });

  test('tells the other side why it was aborted, in the codes that pages may use', async () => {
    const { connection, socket } = await connected();
    const closed = once(socket, 'close') as Promise<[number, Buffer]>;
    connection.abort(new SpokeError('LIMIT_EXCEEDED', 'too much'));
    const [code, reason] = await within(closed, 'it is closed');
    expect(code).toBe(4000);
    expect(reason.toString()).toMatch(/^LIMIT_EXCEEDED/);
  });

  test('that was ended by the other side says with which words', async () => {
    const { connection, socket } = await connected();
    const receiver = new Receiver(connection);
    socket.close(1008, 'UNAUTHENTICATED: not let in');
    expect(await receiver.closed()).toMatchObject({
      by: 'error',
      error: {
        code: 'CONNECTION_LOST',
        message: expect.stringMatching(/1008.*UNAUTHENTICATED: not let in/),
      },
    });
  });

  test('cannot be paused for more than limits.outboundBytes: SLOW_CONSUMER', async () => {
    const { connection, socket } = await connected({ outboundBytes: 1000 });
    connection.pause();
    const receiver = new Receiver(connection);
    for (let i = 0; i < 11; i++) socket.send(Buffer.alloc(100));
    expect(await receiver.closed()).toMatchObject({ by: 'error', error: { code: 'SLOW_CONSUMER' } });
    expect(receiver.chunks.items).toEqual([]);
  });

  test('is ended by an other side that does not answer, after closeTimeout', async () => {
    const accepted = once(server, 'connection') as Promise<[WebSocket]>;
    const transport = new BrowserWebSocketTransport({ WebSocket, closeTimeout: 50 });
    const connection = await endpoints.connect(transport, url);
    const [socket] = await accepted;
    socket.pause();
    const receiver = new Receiver(connection);
    connection.close();
    expect(await receiver.closed()).toEqual({ by: 'local' });
    socket.terminate();
  });

  test('to nobody is CONNECT_FAILED, worth trying again', async () => {
    server.close();
    await once(server, 'close');
    await expect(endpoints.connect(new BrowserWebSocketTransport({ WebSocket }), url)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: true,
    });
  });

  test('that the browser forbids is CONNECT_FAILED, and trying again is no use', async () => {
    const text = 'An insecure WebSocket connection may not be initiated from a page loaded over HTTPS.';
    const Forbidden = new Proxy(WebSocket, {
      construct() {
        throw new Error(text);
      },
    });
    const transport = new BrowserWebSocketTransport({ WebSocket: Forbidden });
    await expect(endpoints.connect(transport, url)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: false,
      message: expect.stringContaining('page loaded over HTTPS'),
    });
  });

  test('cannot listen', async () => {
    const listening = new BrowserWebSocketTransport().listen(parseAddress('ws://'));
    await expect(listening).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });

  test('of a host that has none is CONNECT_FAILED', async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Object.defineProperty(globalThis, 'WebSocket', { value: undefined, configurable: true, writable: true });
    try {
      const attempt = new BrowserWebSocketTransport().connect(parseAddress(url), { limits: withDefaults() });
      await expect(attempt).rejects.toMatchObject({ code: 'CONNECT_FAILED', retryable: false });
    } finally {
      if (before === undefined) Reflect.deleteProperty(globalThis, 'WebSocket');
      else Object.defineProperty(globalThis, 'WebSocket', before);
    }
  });
});
