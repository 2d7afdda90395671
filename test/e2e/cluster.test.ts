// Three brokers on a nats-server, some hundreds of clients, and both are killed again and again: every acknowledged message is
// accounted for. Needs `npm run build` first.

import { expect, it } from '@jest/globals';
import type { Message } from 'spoke';
import { Client } from 'spoke';

import { seededRandom } from '../../src/testing/network/random.js';
import { BrokerProcess } from '../support/broker-process.js';
import { NatsServer } from '../support/nats-server.js';

const BROKERS = 3;
const PUBLISHERS = 60;
const SUBSCRIBERS = 150;
const KILLS = 8;
const { SPOKE_CLUSTER_SEED: seed = '1' } = process.env;

/** What one subscriber heard. */
class Ear {
  readonly last = new Map<string, number>();
  readonly problems: string[] = [];
  readonly #live = new Set<string>();

  readonly hear = ({ channel, body, kept }: Message): void => {
    const n = Number(body);
    if (channel.startsWith('live/')) {
      const key = `${channel} ${n}`;
      if (this.#live.has(key)) this.problems.push(`${key} was heard twice`);
      this.#live.add(key);
      return;
    }
    const before = this.last.get(channel) ?? 0;
    // What is kept is told again after a reconnect.
    if (n < before && !kept) this.problems.push(`${channel}: ${n} after ${before}`);
    if (n === before && !kept) this.problems.push(`${channel}: ${n} twice`);
    this.last.set(channel, Math.max(n, before));
  };
}

it('loses nothing that was acknowledged, and repeats nothing, when brokers and engine are killed', async () => {
  const random = seededRandom(Number(seed));
  const engine = await NatsServer.start();
  const brokers = Array.from({ length: BROKERS }, () => new BrokerProcess(engine.url));
  const clients: Client[] = [];
  let [publishing, acknowledged] = [true, 0];
  let wake = (): void => {};
  try {
    for (const broker of brokers) await broker.start();
    const connect = async (n: number): Promise<Client> => {
      const urls = brokers.map(({ url }) => url);
      const url = [...urls.slice(n % BROKERS), ...urls.slice(0, n % BROKERS)];
      const client = await Client.connect({ url, reconnect: { minDelay: 50, maxDelay: 500 } });
      clients.push(client);
      return client;
    };
    const ears: Ear[] = [];
    for (let n = 0; n < SUBSCRIBERS; n++) {
      const ear = new Ear();
      ears.push(ear);
      const client = await connect(n);
      await client.subscribe(n % 3 === 0 ? 'state/**' : `state/${n % PUBLISHERS}`, ear.hear);
      await client.subscribe(`live/${n % PUBLISHERS}`, ear.hear);
    }
    const last = new Map<string, number>();
    const publish = async (client: Client, p: number): Promise<void> => {
      for (let n = 1; publishing; n++) {
        client.publish(`live/${p}`, n).catch(() => {});
        // Refused only when the engine is away for long; then the next number takes its place.
        const done = await client.publish(`state/${p}`, n, { persist: true }).then(
          () => true,
          () => false,
        );
        if (done) last.set(`state/${p}`, n);
        acknowledged++;
        wake();
      }
    };
    const publishers: Promise<void>[] = [];
    for (let p = 0; p < PUBLISHERS; p++) publishers.push(publish(await connect(p), p));

    for (let kill = 0; kill < KILLS; kill++) {
      const until = acknowledged + PUBLISHERS * 2;
      while (acknowledged < until) await new Promise<void>((resolve) => (wake = resolve));
      const victim = brokers[Math.floor(random() * BROKERS)];
      if (random() < 0.3) {
        await engine.kill();
        await engine.again();
      } else if (victim !== undefined) {
        await victim.kill();
        await victim.start();
      }
    }
    publishing = false;
    await Promise.all(publishers);

    const wanted = (n: number): [string, number][] =>
      [...last].filter(([channel]) => n % 3 === 0 || channel === `state/${n % PUBLISHERS}`);
    const missing = (): string[] =>
      ears.flatMap((ear, n) => {
        const lost = wanted(n).filter(([channel, value]) => (ear.last.get(channel) ?? 0) < value);
        return lost.map(([channel, value]) => `subscriber ${n}: ${channel} ${value}, has ${ear.last.get(channel)}`);
      });
    const end = Date.now() + 30_000;
    while (missing().length > 0 && Date.now() < end) await new Promise((resolve) => setImmediate(resolve));
    expect(missing().slice(0, 10)).toEqual([]);
    expect(ears.flatMap(({ problems }) => problems).slice(0, 10)).toEqual([]);

    const late = new Ear();
    await (await connect(0)).subscribe('state/**', late.hear);
    for (const [channel, value] of last) expect(late.last.get(channel) ?? 0).toBeGreaterThanOrEqual(value);
    expect(last.size).toBe(PUBLISHERS);
  } finally {
    publishing = false;
    for (const client of clients) await client.close();
    for (const broker of brokers) await broker.kill();
    await engine.remove();
  }
}, 240_000);
