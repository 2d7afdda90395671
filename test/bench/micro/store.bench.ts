/**
 * What a durable store costs: writes per second, one after another and 64 at a time, time to open, memory.
 *
 * npx esbuild test/bench/micro/store.bench.ts --bundle --platform=node --format=cjs --external:lmdb --outfile=dist/store.bench.cjs &&
 *   node --expose-gc dist/store.bench.cjs [messages] [folder]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MessageStore, StoredMessage } from '../../../src/contracts/index.js';
import { LmdbStore, MemoryStore } from '../../../src/stores/index.js';

const COUNT = Number(process.argv[2] ?? 100_000);
const FRAME = 200;
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'spoke-store-'));

function message(n: number): StoredMessage {
  const channel = `plant/line${n % 100}/machine${n % 1000}/sensor${n}/value`;
  return { channel, time: n, codec: 'json', frame: new Uint8Array(FRAME).fill(65) };
}

async function perSecond(store: MessageStore, inFlight: number, milliseconds: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  const loop = async (lane: number) => {
    while (performance.now() - start < milliseconds) {
      await store.put(message(lane * 1000 + (done % 1000)));
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, async (_, lane) => loop(lane)));
  return (done / (performance.now() - start)) * 1000;
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
  const start = performance.now();
  const store = await make();
  const time = performance.now() - start;
  const after = memory();
  const MB = (bytes: number) => (bytes / 1e6).toFixed(1);
  const { heap, buffers, resident } = after;
  console.log(
    `${what}: ${store.size} messages of ${FRAME} bytes, ${time.toFixed(0)} ms, heap ${MB(heap - before.heap)} MB, ` +
      `buffers ${MB(buffers - before.buffers)} MB, resident ${MB(resident - before.resident)} MB`,
  );
  return store;
}

async function main(): Promise<void> {
  const writing = new LmdbStore(join(folder, 'writing'));
  await writing.open();
  for (const inFlight of [1, 64, 1000]) {
    console.log(
      `${inFlight} in flight: ${(await perSecond(writing, inFlight, 3000)).toFixed(0)} durable writes a second`,
    );
  }
  await writing.close();

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
