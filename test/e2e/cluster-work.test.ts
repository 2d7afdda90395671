// Groups, calls and streams over three brokers on a nats-server, of which brokers and server are killed again and again: each job is
// done by one member of the cluster, each call is run once at the most, and ends. Needs `npm run build` first.
//
//   SPOKE_CLUSTER_CLIENTS=300 npm run --silent jest -- --selectProjects e2e test/e2e/cluster-work    with so many clients; default 60

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, SpokeError } from 'spoke';

import { seededRandom } from '../../src/testing/network/random.js';
import { BrokerProcess } from '../support/broker-process.js';
import { NatsServer } from '../support/nats-server.js';

const BROKERS = 3;
const { SPOKE_CLUSTER_CLIENTS: count = '60', SPOKE_CLUSTER_SEED: seed = '1' } = process.env;
/** Of each kind: workers, providers, callers. */
const EACH = Math.ceil(Number(count) / 3);
const KILLS = 6;
/** What may become of a call when things are killed: not that it waits for its timeout. */
const TOLD = ['NO_PROVIDER', 'PROVIDER_LOST', 'CONNECTION_LOST'];

let engine: NatsServer;
const brokers: BrokerProcess[] = [];
const clients: Client[] = [];
const callers: Client[] = [];
const workers: number[] = [];
const done = new Map<unknown, number>();
const ran = new Map<unknown, number>();
const outcomes = new Map<string, number>();
let calls = 0;
let jobs = 0;

async function connect(n: number): Promise<Client> {
  const urls = brokers.map(({ url }) => url);
  const url = [...urls.slice(n % BROKERS), ...urls.slice(0, n % BROKERS)];
  const client = await Client.connect({ url, reconnect: { minDelay: 50, maxDelay: 500 } });
  clients.push(client);
  return client;
}

const countIn = (counts: Map<unknown, number>, key: unknown): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** @returns whether it was answered. */
async function call(caller: Client): Promise<boolean> {
  const n = ++calls;
  try {
    expect(await caller.call('math/negate', n, { timeout: 60_000 })).toBe(-n);
    return true;
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    outcomes.set(error.code, (outcomes.get(error.code) ?? 0) + 1);
    return false;
  }
}

async function stream(caller: Client): Promise<boolean> {
  let expected = 0;
  try {
    for await (const item of caller.stream<number>('math/count', 50, { window: 8, timeout: 60_000 })) {
      expect(item).toBe(++expected);
    }
    return expected === 50;
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    outcomes.set(error.code, (outcomes.get(error.code) ?? 0) + 1);
    return false;
  }
}

/** Everyone is connected, and known everywhere. */
const settle = (): Promise<unknown> => Promise.all(clients.map((client) => client.flush({ timeout: 30_000 })));

async function until(met: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!met() && Date.now() < end) await new Promise((resolve) => setImmediate(resolve));
}

/** Nothing is killed: everything is done, once. */
async function calm(): Promise<void> {
  await settle();
  const [from, to] = [jobs, jobs + EACH * 10];
  const before = [...workers];
  const published: Promise<void>[] = [];
  for (const caller of callers) for (let i = 0; i < 10; i++) published.push(caller.publish(`jobs/${jobs % 7}`, ++jobs));
  await Promise.all(published);
  const numbers = Array.from({ length: to - from }, (_, n) => from + n + 1);
  await until(() => numbers.every((n) => done.has(n)));
  expect(numbers.filter((n) => done.get(n) !== 1)).toEqual([]);
  // All brokers choose by turns.
  for (const [n, had] of workers.entries()) expect(had - (before[n] ?? 0)).toBeGreaterThan(0);
  const answered = await Promise.all(callers.flatMap((caller) => [call(caller), call(caller), stream(caller)]));
  expect(answered.every(Boolean)).toBe(true);
}

beforeAll(async () => {
  engine = await NatsServer.start();
  for (let n = 0; n < BROKERS; n++) brokers.push(new BrokerProcess(engine.url));
  for (const broker of brokers) await broker.start();
  for (let n = 0; n < EACH; n++) {
    const worker = await connect(n);
    workers.push(0);
    const work = ({ body }: { readonly body: unknown }): void => {
      countIn(done, body);
      workers[n] = (workers[n] ?? 0) + 1;
    };
    await worker.subscribe(n % 2 === 0 ? 'jobs/*' : 'jobs/**', work, { group: 'workers' });
    const provider = await connect(n + 1);
    await provider.provide('math/negate', (x: number) => {
      countIn(ran, x);
      return -x;
    });
    await provider.provide('math/count', async function* (last: number) {
      for (let item = 1; item <= last; item++) yield item;
    });
    callers.push(await connect(n + 2));
  }
}, 120_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const broker of brokers) await broker.kill();
  await engine.remove();
}, 60_000);

describe('work in a cluster', () => {
  it('is done once, and answered, by whom ever and wherever', calm, 120_000);

  it('ends, and is run once at the most, while brokers and engine are killed', async () => {
    const random = seededRandom(Number(seed));
    let going = true;
    let progress = 0;
    let wake = (): void => {};
    const loops = callers.map(async (caller, n) => {
      while (going) {
        await (n % 4 === 0 ? stream(caller) : call(caller));
        void caller.publish('jobs/x', ++jobs).catch(() => {});
        progress++;
        wake();
      }
    });
    for (let kill = 0; kill < KILLS; kill++) {
      const next = progress + EACH * 3;
      while (progress < next) await new Promise<void>((resolve) => (wake = resolve));
      const victim = brokers[Math.floor(random() * BROKERS)];
      if (kill === KILLS / 2) {
        await engine.kill();
        await engine.again();
      } else {
        await victim?.kill(kill % 3 === 0 ? 'SIGTERM' : 'SIGKILL');
        await victim?.start();
      }
    }
    going = false;
    await Promise.all(loops);
    expect([...ran.values()].filter((times) => times !== 1)).toEqual([]);
    expect([...outcomes.keys()].filter((code) => !TOLD.includes(code))).toEqual([]);
  }, 240_000);

  it('is done once, and answered, when all of them are back', calm, 120_000);
});
