/**
 * A broker with a store is killed at random moments under load: nothing that was acknowledged is lost, nothing is applied
 * twice, nothing is torn. Some rounds here; more by `SPOKE_CRASH_ROUNDS=300`, the same ones again by `SPOKE_CRASH_SEED`.
 */
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';

import { JsonCodec } from '../../src/codecs/index.js';
import { withDefaults } from '../../src/contracts/index.js';
import { Client, LmdbStore } from '../../src/index.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { endAll, freePort, startServer } from './cli/commands.js';

const ROUNDS = Number(process.env['SPOKE_CRASH_ROUNDS'] ?? 6);
const SEED = Number(process.env['SPOKE_CRASH_SEED'] ?? Date.now() % 1_000_000) || 1;

const PUBLISHERS = 4;
const IN_FLIGHT = 64;
/** More than a publisher gets done in a round: no channel is used twice in one. */
const CHANNELS = 5000;

// Most of it is for a busy machine.
jest.setTimeout(60_000 + ROUNDS * 15_000);

let state = SEED;
const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;

/** What the disk has of a channel. */
interface Found {
  readonly n: number;
  readonly time: number;
}

/** Publishes numbers on its channels, one after the other, many at once, and notes which of them were acknowledged. */
class Publisher {
  readonly acknowledged = new Map<string, number>();
  count = 0;
  failures: unknown[] = [];
  readonly #client: Client;
  readonly #name: string;
  #ended = false;

  constructor(url: string, name: string) {
    this.#name = name;
    this.#client = new Client({ url, reconnect: { minDelay: 5, maxDelay: 50 } });
    this.#client.on('error', (error) => this.failures.push(error));
    void this.#client.connect();
  }

  start(): void {
    for (let lane = 0; lane < IN_FLIGHT; lane++) void this.#publish();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#client.close();
  }

  async #publish(): Promise<void> {
    while (!this.#ended) {
      const n = ++this.count;
      const channel = `crash/${this.#name}/${n % CHANNELS}`;
      try {
        await this.#client.publish(channel, body(n), { persist: true });
        this.acknowledged.set(channel, Math.max(n, this.acknowledged.get(channel) ?? 0));
      } catch (error) {
        if (!this.#ended) this.failures.push(error);
        return;
      }
    }
  }
}

function body(n: number): { n: number; text: string } {
  return { n, text: `${n}:`.repeat(1 + (n % 97)) };
}

/** Opens the store as a broker would, and reads all of it. */
async function onDisk(folder: string): Promise<Map<string, Found>> {
  const store = new LmdbStore(folder);
  await store.open();
  const codec = new JsonCodec();
  const reader = codec.createReader(withDefaults());
  const found = new Map<string, Found>();
  for (const { channel, time, frame } of store.match('crash/**')) {
    const value = codec.decodeBody(reader.read(frame, 0, frame.length - 1)) as { n: number };
    // Nothing is torn. So many that `expect` is too slow for those that are right.
    if (JSON.stringify(value) !== JSON.stringify(body(value.n))) expect(value).toEqual(body(value.n));
    found.set(channel, { n: value.n, time });
  }
  await store.close();
  return found;
}

test(`nothing acknowledged is lost, nothing doubled, in ${ROUNDS} crashes (seed ${SEED})`, async () => {
  await using folder = await TemporaryFolder.make();
  const store = join(folder.path, 'store');
  const listen = `tcp://127.0.0.1:${await freePort()}`;
  const args = ['--listen', listen, '--store', store, '--log-level', 'error'];
  const publishers = Array.from({ length: PUBLISHERS }, (_, n) => new Publisher(listen, String(n)));
  let before = new Map<string, Found>();
  let checked = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const { server } = await startServer(args);
      if (round === 0) for (const publisher of publishers) publisher.start();
      await new Promise((resolve) => setTimeout(resolve, random(400)));
      await server.kill();
      const acknowledged = publishers.flatMap((publisher) => [...publisher.acknowledged]);
      const found = await onDisk(store);
      const lost = acknowledged.filter(([channel, n]) => (found.get(channel)?.n ?? 0) < n);
      expect(lost).toEqual([]);
      // What was there already has not been applied again: then it would have a newer time.
      const doubled = [...found].filter(([channel, { n, time }]) => {
        const earlier = before.get(channel);
        return earlier?.n === n && earlier.time !== time;
      });
      expect(doubled).toEqual([]);
      checked += acknowledged.length;
      before = found;
      if (round % 50 === 49) process.stderr.write(`${round + 1} crashes, ${checked} checked (seed ${SEED})\n`);
    }
    expect(publishers.flatMap(({ failures }) => failures)).toEqual([]);
  } finally {
    await Promise.all(publishers.map((publisher) => publisher.end()));
    await endAll();
  }
  const count = publishers.reduce((sum, publisher) => sum + publisher.count, 0);
  process.stderr.write(`${ROUNDS} crashes, ${count} published, ${checked} checked: 0 lost, 0 doubled (seed ${SEED})\n`);
  expect(checked).toBeGreaterThan(ROUNDS);
});
