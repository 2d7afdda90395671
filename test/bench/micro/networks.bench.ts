/**
 * What a message costs over each transport and with each codec, relative to TCP with JSON: publisher, broker and subscriber
 * in one process, an object of 128 bytes as JSON, processor time of all three together. Rounds are interleaved.
 *
 * npm run bench:micro -- networks
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Broker } from '../../../src/broker/index.js';
import { JsonCodec, MsgpackCodec } from '../../../src/codecs/index.js';
import type { Codec, Transport } from '../../../src/contracts/index.js';
import { Client } from '../../../src/node/index.js';
import { MemoryTransport } from '../../../src/transports/index.js';
import { TcpTransport, TlsTransport } from '../../../src/transports/tcp/index.js';
import { UnixTransport } from '../../../src/transports/unix/index.js';
import { WebSocketTransport } from '../../../src/transports/websocket/index.js';

const ROUNDS = 5;
const MESSAGES = 60_000;
const WINDOW = 500;
const BODY = { id: 12345, name: 'kitchen', text: 'x'.repeat(56), ok: true, values: [1.5, 2.25, -3], none: null };

const folder = mkdtempSync(join(tmpdir(), 'spoke-networks-'));
const pem = (name: string) => join('test/fixtures/tls', `${name}.pem`);
const tls = { cert: pem('server'), key: pem('server-key'), ca: pem('ca') };

interface Network {
  readonly name: string;
  readonly transport: () => Transport;
  readonly listen: string;
}

const NETWORKS: readonly Network[] = [
  { name: 'tcp', transport: () => new TcpTransport(), listen: 'tcp://127.0.0.1:0' },
  { name: 'memory', transport: () => new MemoryTransport(), listen: 'memory://broker' },
  { name: 'unix', transport: () => new UnixTransport(), listen: `unix://${folder}/broker.sock` },
  { name: 'ws', transport: () => new WebSocketTransport(), listen: 'ws://127.0.0.1:0' },
  { name: 'tls', transport: () => new TlsTransport(tls), listen: 'tls://127.0.0.1:0' },
  { name: 'wss', transport: () => new WebSocketTransport({ tls }), listen: 'wss://127.0.0.1:0' },
];

const CODECS: readonly (() => Codec)[] = [() => new JsonCodec(), () => new MsgpackCodec()];

interface Figures {
  readonly microseconds: number;
  readonly perSecond: number;
}

async function run({ transport: makeTransport, listen }: Network, codec: Codec): Promise<Figures> {
  const transport = makeTransport();
  const transports = [transport];
  const broker = await Broker.start({ listen, transports });
  const url = broker.addresses[0] ?? listen;
  const publisher = await Client.connect({ url, transports, codec });
  const subscriber = await Client.connect({ url, transports, codec });
  let received = 0;
  let reached: (() => void) | undefined;
  let goal = 0;
  await subscriber.subscribe('bench', () => {
    if (++received === goal) reached?.();
  });
  const send = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent += WINDOW) {
      goal = received + WINDOW;
      const arrived = new Promise<void>((resolve) => (reached = resolve));
      for (let n = 0; n < WINDOW; n++) void publisher.publish('bench', BODY);
      await arrived;
    }
  };
  await send(MESSAGES / 4);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await send(MESSAGES);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  await Promise.all([publisher.close(), subscriber.close()]);
  await broker.close();
  return { microseconds: (user + system) / MESSAGES, perSecond: MESSAGES / seconds };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

async function main(): Promise<void> {
  const results = new Map<string, { cpu: number[]; ratio: number[]; rate: number[] }>();
  for (let round = 0; round < ROUNDS; round++) {
    let base = NaN;
    for (const network of NETWORKS) {
      for (const makeCodec of CODECS) {
        const codec = makeCodec();
        const { microseconds, perSecond } = await run(network, codec);
        if (Number.isNaN(base)) base = microseconds;
        const name = `${network.name} + ${codec.name}`;
        const result = results.get(name) ?? { cpu: [], ratio: [], rate: [] };
        results.set(name, result);
        result.cpu.push(microseconds);
        result.ratio.push(microseconds / base);
        result.rate.push(perSecond);
      }
    }
  }
  console.log(`µs of processor time a message, publisher + broker + subscriber; ${ROUNDS} rounds of ${MESSAGES}`);
  for (const [name, { cpu, ratio, rate }] of results) {
    const range = `${Math.min(...ratio).toFixed(2)}-${Math.max(...ratio).toFixed(2)}`;
    console.log(
      `${name.padEnd(18)} ${median(cpu).toFixed(1).padStart(6)} µs   ${median(ratio).toFixed(2)} of tcp + json (${range})   ${Math.round(median(rate))}/s`,
    );
  }
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true });
}
