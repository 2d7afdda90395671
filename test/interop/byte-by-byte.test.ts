// Networks that deliver byte by byte, both ways, over every transport that has sockets.

import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TlsTransport } from 'spoke';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { tlsFile } from '../support/tls-files.js';
import { Scene } from './scene.js';

let scene: Scene;
let folder: TemporaryFolder;
const servers: Server[] = [];

beforeEach(async () => {
  scene = new Scene();
  folder = await TemporaryFolder.make();
});
afterEach(async () => {
  await scene.close();
  for (const server of servers.splice(0)) server.close();
  await folder[Symbol.asyncDispose]();
});

/** Passes bytes on one at a time, each in a turn of its own. */
function dribble(from: Socket, to: Socket): void {
  to.setNoDelay(true);
  from.on('error', () => {}).on('close', () => to.destroy());
  const waiting: number[] = [];
  const next = (): void => {
    const byte = waiting.shift();
    if (byte === undefined || to.destroyed) return;
    to.write(Uint8Array.of(byte));
    setImmediate(next);
  };
  from.on('data', (chunk: Buffer) => {
    const isIdle = waiting.length === 0;
    waiting.push(...chunk);
    if (isIdle) setImmediate(next);
  });
}

/** @returns the URL by which a client comes through. */
async function through(url: string): Promise<string> {
  const isUnix = url.startsWith('unix:');
  const path = url.replace(/^unix:(\/\/)?/, '');
  const server = createServer((socket) => {
    const onward = isUnix ? connect(path) : connect(Number(new URL(url).port), '127.0.0.1');
    dribble(socket, onward);
    dribble(onward, socket);
  });
  servers.push(server);
  const door = `${folder.path}/door`;
  if (isUnix) server.listen(door);
  else server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  if (isUnix) return `unix://${door}`;
  const { port } = server.address() as AddressInfo;
  return url.replace(/:\d+/, `:${port}`);
}

const SCHEMES = ['tcp', 'ws', 'unix', 'tls'] as const;
const listen = (scheme: (typeof SCHEMES)[number]): string => {
  if (scheme === 'unix') return `unix://${folder.path}/broker`;
  return scheme === 'tls'
    ? `tls://127.0.0.1:0?cert=${tlsFile('server')}&key=${tlsFile('server-key')}`
    : `${scheme}://127.0.0.1:0`;
};

describe.each(SCHEMES)('Over %s, when each byte arrives alone', (scheme) => {
  it.each(['json', 'msgpack'] as const)('a client that speaks %s does all it does otherwise', async (codec) => {
    const { broker } = await scene.broker({ listen: listen(scheme) });
    const url = await through((broker.addresses[0] ?? '').replace(/\?.*/, ''));
    const transports = scheme === 'tls' ? { transports: [new TlsTransport({ ca: tlsFile('ca') })] } : {};
    const { client, errors } = await scene.client(url, { codec, ...transports });
    const got: unknown[] = [];
    await client.subscribe('numbers/*', ({ body }) => got.push(body));
    await client.publish('numbers/kept', { text: 'Grüße ✓', n: 2 ** 40 }, { persist: true });
    for (let n = 0; n < 10; n++) await client.publish(`numbers/${n}`, n, { ack: true });
    await client.flush();
    expect(got).toEqual([{ text: 'Grüße ✓', n: 2 ** 40 }, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await client.provide('loudly', (text: string) => text.toUpperCase());
    expect(await client.call('loudly', 'byte', { timeout: 10_000 })).toBe('BYTE');
    expect((await client.kept.get('numbers/kept'))?.body).toEqual({ text: 'Grüße ✓', n: 2 ** 40 });
    expect(errors).toEqual([]);
    expect(broker.stats.refused).toBe(0);
  });
});
