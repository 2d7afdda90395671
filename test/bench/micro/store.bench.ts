/**
 * What a durable store costs: writes per second, one after another and 64 at a time, beside bare flushes of the same disk;
 * the same published by a client to a broker over TCP (both in this process), acknowledged; time to open, memory.
 *
 * npm run bench:micro store [messages] [folder]
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Broker } from '../../../src/broker/index.js';
import { Client } from '../../../src/node/index.js';
import type { MessageStore, StoredMessage } from '../../../src/contracts/index.js';
import { LmdbStore, MemoryStore } from '../../../src/stores/index.js';

const COUNT = Number(process.argv[2] ?? 100_000);
const FRAME = 200;
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'spoke-store-'));

function message(n: number): StoredMessage {
  const channel = `plant/line${n % 100}/machine${n % 1000}/sensor${n}/value`;
  return { channel, time: n, codec: 'json', frame: new Uint8Array(FRAME).fill(65) };
}

type Write = (n: number) => Promise<void> | undefined;

async function perSecond(write: Write, inFlight: number, milliseconds: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  const loop = async (lane: number) => {
    while (performance.now() - start < milliseconds) {
      await write(lane * 1000 + (done % 1000));
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, async (_, lane) => loop(lane)));
  return (done / (performance.now() - start)) * 1000;
}

/** What the disk can do: a page written and flushed, again and again. */
function flushesPerSecond(milliseconds: number): number {
  const file = openSync(join(folder, 'bare'), 'w');
  const page = new Uint8Array(4096);
  const start = performance.now();
  let done = 0;
  for (; performance.now() - start < milliseconds; done++) {
    writeSync(file, page, 0, page.length, 0);
    fdatasyncSync(file);
  }
  closeSync(file);
  return (done / (performance.now() - start)) * 1000;
}

async function published(rounds: number): Promise<void> {
  const store = new LmdbStore(join(folder, 'published'));
  const broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', store });
  const client = await Client.connect({ url: broker.addresses[0] ?? '' });
  const text = 'x'.repeat(FRAME - 100);
  for (let round = 0; round < rounds; round++) {
    for (const inFlight of [1, 64, 1000]) {
      const write = async (n: number) => client.publish(message(n).channel, text, { persist: true });
      const rate = await perSecond(write, inFlight, 1000);
      console.log(`${inFlight} in flight: ${rate.toFixed(0)} durable publishes a second`);
    }
  }
  await client.close();
  await broker.close();
}

async function fill(store: MessageStore): Promise<void> {
  for (let n = 0; n < COUNT; n += 1000) {
    await Promise.all(Array.from({ length: 1000 }, async (_, i) => store.put(message(n + i))));
  }
}

function memory(): { heap: number; buffers: number; resident: number } {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, resident: rss };
}

async function measured(what: string, make: () => Promise<MessageStore>): Promise<MessageStore> {
  const before = memory();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const store = await make();
  const time = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const after = memory();
  const MB = (bytes: number) => (bytes / 1e6).toFixed(1);
  const { heap, buffers, resident } = after;
  console.log(
    `${what}: ${store.size} messages of ${FRAME} bytes, ${time.toFixed(0)} ms (${((user + system) / 1000).toFixed(0)} of the processor), heap ${MB(heap - before.heap)} MB, ` +
      `buffers ${MB(buffers - before.buffers)} MB, resident ${MB(resident - before.resident)} MB`,
  );
  return store;
}

async function main(): Promise<void> {
  const writing = new LmdbStore(join(folder, 'writing'));
  await writing.open();
  const ROUNDS = 3;
  for (let round = 0; round < ROUNDS; round++) {
    console.log(`bare flushes of 4 KiB: ${flushesPerSecond(1000).toFixed(0)} a second`);
    for (const inFlight of [1, 64, 1000]) {
      const rate = await perSecond((n) => writing.put(message(n)), inFlight, 1000);
      console.log(`${inFlight} in flight: ${rate.toFixed(0)} durable writes a second`);
    }
  }
  await writing.close();
  await published(ROUNDS);

  const path = join(folder, 'full');
  const filling = await measured('written to LMDB', async () => {
    const store = new LmdbStore(path);
    await store.open();
    await fill(store);
    return store;
  });
  await filling.close();
  console.log(`on disk: ${(statSync(join(path, 'data.mdb')).size / 1e6).toFixed(1)} MB`);
  const opened = await measured('opened from LMDB', async () => {
    const store = new LmdbStore(path);
    await store.open();
    return store;
  });
  const start = performance.now();
  console.log(`match('**'): ${opened.match('**').length} in ${(performance.now() - start).toFixed(1)} ms`);
  await opened.close();
  const kept = await measured('in memory', async () => {
    const store = new MemoryStore();
    await fill(store);
    return store;
  });
  await kept.close();
}

void main().finally(() => rmSync(folder, { recursive: true }));
