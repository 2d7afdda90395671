import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, Socket } from 'node:net';

import type { CloseReason, Connection } from '../../../src/contracts/index.js';
import { DEFAULT_LIMITS } from '../../../src/contracts/index.js';
import { parseAddress } from '../../../src/transports/index.js';
import { SocketConnection } from '../../../src/transports/tcp/connection.js';
import { TcpTransport } from '../../../src/transports/tcp/index.js';
import { canAdopt } from '../../../src/transports/tcp/reading.js';

const limits = DEFAULT_LIMITS;
const MiB = 1024 * 1024;

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

/** Records a connection and resolves when it ends. */
function watch(connection: Connection, onData: (chunk: Uint8Array) => void = () => {}) {
  let bytes = 0;
  const end = new Promise<CloseReason>((resolve) => {
    connection.start({
      data(chunk) {
        bytes += chunk.length;
        onData(chunk);
      },
      drain() {},
      close: resolve,
    });
  });
  return { end, bytes: () => bytes };
}

/** A listener of ours with a raw socket connected to it: another program, which keeps no rules but those of TCP. */
async function accepted(): Promise<{ connection: Connection; raw: Socket }> {
  let accept: (connection: Connection) => void = () => {};
  const connection = new Promise<Connection>((resolve) => {
    accept = resolve;
  });
  const listener = await new TcpTransport().listen(parseAddress('tcp://127.0.0.1:0'), accept, { limits });
  cleanUp.push(() => listener.close());
  const { port = 0 } = parseAddress(listener.address);
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  cleanUp.push(() => raw.destroy());
  await once(raw, 'connect');
  return { connection: await connection, raw };
}

/** A raw server that accepts and does nothing. */
async function mute(): Promise<{ url: string; firstSocket: Promise<Socket> }> {
  const sockets: Socket[] = [];
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => void sockets.push(socket));
  const firstSocket = new Promise<Socket>((resolve) => void server.once('connection', resolve));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, firstSocket };
}

describe('a program that ends its side of a TCP connection', () => {
  it('has been heard, still gets what was queued for it, and sees the end', async () => {
    const { connection, raw } = await accepted();
    const { end, bytes } = watch(connection, () => void connection.send(new Uint8Array(4 * MiB)));
    raw.end('question');
    let answered = 0;
    raw.on('data', (chunk) => (answered += chunk.length));
    await once(raw, 'end');
    raw.destroy();
    expect(await end).toEqual({ by: 'remote' });
    expect(bytes()).toBe('question'.length);
    expect(answered).toBe(4 * MiB);
  });

  it('is heard also when it had left before the connection was started', async () => {
    const { connection, raw } = await accepted();
    raw.end('question');
    await once(raw, 'finish');
    const { end, bytes } = watch(connection);
    await once(raw, 'end');
    raw.destroy();
    expect(await end).toEqual({ by: 'remote' });
    expect(bytes()).toBe('question'.length);
  });

  // Without bytes just before it: libuv makes those and the reset behind them a good end.
  it('by a reset makes it CONNECTION_LOST', async () => {
    const { connection, raw } = await accepted();
    const { end } = watch(connection);
    raw.resetAndDestroy();
    const { by, error } = await end;
    expect(by).toBe('error');
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true, details: { system: 'ECONNRESET' } });
    expect(error?.message).toContain(connection.peer.address);
  });
});

describe('a connection that is broken and has yet to say so', () => {
  it('says false to a sender in a loop', async () => {
    const socket = new Socket();
    const connection = new SocketConnection({ socket, peer: { address: 'tcp://other' }, closeTimeout: 1_000 });
    const { end } = watch(connection);
    socket.destroy(new Error('broken'));
    expect(connection.send(new Uint8Array(10))).toBe(false);
    expect((await end).error).toMatchObject({ code: 'CONNECTION_LOST' });
  });
});

describe('a program that neither reads nor ends', () => {
  it('does not keep a connection that was closed', async () => {
    const { url } = await mute();
    const connection = await new TcpTransport({ closeTimeout: 20 }).connect(parseAddress(url), { limits });
    const { end } = watch(connection);
    connection.send(new Uint8Array(10));
    connection.close();
    expect(await end).toEqual({ by: 'local' });
  });

  it('makes a close that could not send all an error', async () => {
    const { url } = await mute();
    const connection = await new TcpTransport({ closeTimeout: 20 }).connect(parseAddress(url), { limits });
    const { end } = watch(connection);
    for (let i = 0; i < 64; i++) connection.send(new Uint8Array(MiB));
    expect(connection.pendingBytes).toBeGreaterThan(0);
    connection.close();
    expect((await end).error).toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('took nothing'),
    });
    expect(connection.pendingBytes).toBe(0);
  });
});

describe('connecting by TCP', () => {
  it('gives up after limits.connectTimeout', async () => {
    const { url } = await mute();
    const attempt = new TcpTransport().connect(parseAddress(url), { limits: { ...limits, connectTimeout: 1 } });
    // Time passes without a look at the network, so that the answer comes too late.
    const until = performance.now() + 20;
    while (performance.now() < until);
    await expect(attempt).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      retryable: true,
      message: expect.stringContaining('no answer within 1 ms'),
    });
  });

  it('tries all addresses of a name', async () => {
    const { url, firstSocket } = await mute();
    const { port } = parseAddress(url);
    const connection = await new TcpTransport().connect(parseAddress(`tcp://localhost:${port}`), { limits });
    const { end, bytes } = watch(connection, () => connection.close());
    (await firstSocket).resume().end('hello');
    await end;
    expect(bytes()).toBe(5);
  });

  it.each(['tcp://h:0', 'tcp://h:1/path', 'tcp://h:1?a=1'])('refuses %s', async (url) => {
    await expect(new TcpTransport().connect(parseAddress(url), { limits })).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
      message: expect.stringContaining(url),
    });
  });
});

describe('listening by TCP', () => {
  it('refuses a path', async () => {
    await expect(new TcpTransport().listen(parseAddress('tcp://:0/path'), () => {}, { limits })).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
    });
  });

  it('says so when the machine has no such address', async () => {
    await expect(
      new TcpTransport().listen(parseAddress('tcp://192.0.2.1:0'), () => {}, { limits }),
    ).rejects.toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining('no such address') });
  });

  it('is stopped by its signal while the name is looked up', async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const attempt = new TcpTransport().listen(parseAddress('tcp://localhost:0'), () => {}, { limits, signal });
    abort.abort('enough');
    await expect(attempt).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
  });

  it('takes a closeTimeout that is a time only', () => {
    expect(() => new TcpTransport({ closeTimeout: 0 })).toThrow(TypeError);
    expect(() => new TcpTransport({ closeTimeout: Number.NaN })).toThrow(TypeError);
  });

  // When this fails in a new version of Node, all still works, but receiving costs half as much again: see reading.ts.
  it('reads accepted connections into its static buffer', () => {
    expect(canAdopt()).toBe(true);
  });
});
