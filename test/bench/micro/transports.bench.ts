/**
 * What each transport costs: processor time of both ends, in one process, relative to TCP. Bytes only, no codec and no broker.
 *
 * npm run bench:micro -- transports
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Connection, Transport } from '../../../src/contracts/index.js';
import { withDefaults } from '../../../src/contracts/index.js';
import { MemoryTransport, parseAddress } from '../../../src/transports/index.js';
import { TcpTransport, TlsTransport } from '../../../src/transports/tcp/index.js';
import { UnixTransport } from '../../../src/transports/unix/index.js';
import { WebSocketTransport } from '../../../src/transports/websocket/index.js';

const ROUNDS = 3;
const MiB = 2 ** 20;
const limits = withDefaults();
const directory = mkdtempSync(join(tmpdir(), 'spoke-'));
const certificates = resolve('test/fixtures/tls');
const tls = { cert: `${certificates}/server-both.pem`, ca: `${certificates}/ca.pem` };

const transports: readonly (readonly [string, Transport, string])[] = [
  ['tcp', new TcpTransport(), 'tcp://127.0.0.1:0'],
  ['unix', new UnixTransport(), `unix://${directory}/bench.sock`],
  ['tls', new TlsTransport(tls), 'tls://127.0.0.1:0'],
  ['ws', new WebSocketTransport(), 'ws://127.0.0.1:0'],
  ['wss', new WebSocketTransport({ tls }), 'wss://127.0.0.1:0'],
  ['memory', new MemoryTransport(), 'memory://bench'],
];

interface Ends {
  readonly client: Connection;
  readonly server: Connection;
  close(): Promise<void>;
}

async function open(transport: Transport, url: string): Promise<Ends> {
  let accept = (_: Connection) => {};
  const accepted = new Promise<Connection>((resolveIt) => {
    accept = resolveIt;
  });
  const listener = await transport.listen(parseAddress(url), (connection) => accept(connection), { limits });
  const client = await transport.connect(parseAddress(listener.address), { limits });
  const server = await accepted;
  return {
    client,
    server,
    async close() {
      client.close();
      server.close();
      await listener.close();
    },
  };
}

/** Microseconds of processor time a MiB. */
async function carry(ends: Ends, toServer: boolean, chunkBytes: number, total: number): Promise<number> {
  const [from, to] = toServer ? [ends.client, ends.server] : [ends.server, ends.client];
  const chunk = new Uint8Array(chunkBytes);
  let sent = 0;
  const pump = () => {
    while (sent < total) {
      sent += chunkBytes;
      if (!from.send(chunk)) return;
    }
  };
  const before = process.cpuUsage();
  await new Promise<void>((done) => {
    let received = 0;
    to.start({
      data(bytes) {
        received += bytes.length;
        if (received >= total) done();
      },
      drain() {},
      close() {},
    });
    from.start({ data() {}, drain: pump, close() {} });
    pump();
  });
  return microsecondsSince(before) / (total / MiB);
}

/** Microseconds of processor time a message of 200 bytes and its echo. */
async function bounce({ client, server }: Ends, trips: number): Promise<number> {
  const message = new Uint8Array(200);
  server.start({ data: (bytes) => void server.send(bytes.slice()), drain() {}, close() {} });
  const before = process.cpuUsage();
  await new Promise<void>((done) => {
    let left = trips;
    client.start({
      data() {
        if (--left === 0) done();
        else client.send(message);
      },
      drain() {},
      close() {},
    });
    client.send(message);
  });
  return microsecondsSince(before) / trips;
}

function microsecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const measurements: readonly (readonly [string, string, (ends: Ends) => Promise<number>])[] = [
  ['64 KiB to the server', 'us/MiB', (ends) => carry(ends, true, 64 * 1024, 256 * MiB)],
  ['64 KiB from the server', 'us/MiB', (ends) => carry(ends, false, 64 * 1024, 256 * MiB)],
  ['2 KiB to the server', 'us/MiB', (ends) => carry(ends, true, 2048, 32 * MiB)],
  ['2 KiB from the server', 'us/MiB', (ends) => carry(ends, false, 2048, 32 * MiB)],
  ['a round trip of 200 bytes', 'us', (ends) => bounce(ends, 5000)],
];

async function main(): Promise<void> {
  console.log(`best of ${ROUNDS} rounds; the ratio is the speed relative to TCP`);
  for (const [what, unit, measure] of measurements) {
    let tcp: number | undefined;
    for (const [name, transport, url] of transports) {
      let best = Infinity;
      for (let round = 0; round < ROUNDS; round++) {
        const ends = await open(transport, url);
        best = Math.min(best, await measure(ends));
        await ends.close();
      }
      tcp ??= best;
      console.log(
        `${what.padEnd(26)} ${name.padEnd(6)} ${best.toFixed(1).padStart(9)} ${unit}  ${(tcp / best).toFixed(2)}`,
      );
    }
  }
  rmSync(directory, { recursive: true });
}

void main();
