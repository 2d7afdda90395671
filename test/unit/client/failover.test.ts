// A client with a list of brokers. Time stands still unless it is moved.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Broker } from '../../../src/broker/index.js';
import type { ClientOptions } from '../../../src/node/index.js';
import { Client } from '../../../src/node/index.js';
import { MemoryTransport } from '../../../src/transports/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { within } from '../../support/within.js';

let clock: VirtualClock;
let transport: MemoryTransport;
let ends: (() => Promise<void>)[];

beforeEach(() => {
  clock = new VirtualClock();
  transport = new MemoryTransport({ clock });
  ends = [];
});

afterEach(async () => {
  for (const end of ends.reverse()) {
    const ended = end();
    await clock.advance(20_000);
    await ended;
  }
});

async function brokerAt(listen: string): Promise<Broker> {
  const broker = await Broker.start({ listen, transports: [transport], clock });
  ends.push(async () => broker.close());
  return broker;
}

function clientOf(url: readonly string[], options: ClientOptions = {}): Client {
  const client = new Client({ url, transports: [transport], clock, heartbeat: false, ...options });
  ends.push(async () => client.close());
  return client;
}

async function reaches(client: Client, url: string): Promise<void> {
  if (client.state === 'connected' && client.url === url) return;
  await within(
    new Promise<void>((resolve) => {
      const stop = client.on('state', (state) => {
        if (state !== 'connected' || client.url !== url) return;
        stop();
        resolve();
      });
    }),
    `a connection to ${url}`,
  );
}

const ALL = ['memory://a', 'memory://b', 'memory://c'];

describe('a client with a list of brokers', () => {
  it('connects to the first one that can be reached, at once', async () => {
    await brokerAt('memory://b');
    const client = clientOf(ALL);
    await within(client.connect(), 'the connection');
    expect(client.url).toBe('memory://b');
    expect(clock.monotonic()).toBe(0);
  });

  it('goes on to the next one when its broker goes, subscriptions and waiting messages with it', async () => {
    const first = await brokerAt('memory://a');
    await brokerAt('memory://c');
    const client = clientOf(ALL);
    await client.connect();
    const heard: unknown[] = [];
    await client.subscribe('x', ({ body }) => heard.push(body));
    const moved = reaches(client, 'memory://c');
    const closed = first.close();
    await clock.advance(1000);
    await closed;
    await moved;
    await client.publish('x', 1);
    await within(client.flush(), 'the flush');
    expect(heard).toEqual([1]);
  });

  it('comes back to the first one when that is the one that is left', async () => {
    const first = await brokerAt('memory://a');
    const client = clientOf(ALL);
    await client.connect();
    await Promise.all([first.close(), clock.advance(1000)]);
    const second = await brokerAt('memory://b');
    await Promise.all([reaches(client, 'memory://b'), clock.advance(10_000)]);
    await brokerAt('memory://a');
    await Promise.all([second.close(), clock.advance(1000)]);
    await Promise.all([reaches(client, 'memory://a'), clock.advance(10_000)]);
  });

  it('says of each broker why it cannot be reached, and waits once for all of them', async () => {
    const client = clientOf(ALL, { reconnect: { minDelay: 100, maxDelay: 100, random: () => 0.999_999 } });
    const told: string[] = [];
    client.on('retry', (error) => told.push(error.message));
    const connected = client.connect();
    await clock.advance(250);
    expect(told).toHaveLength(3);
    expect(told[0]).toMatch(/^none of 3 brokers can be reached: .*memory:\/\/a.*memory:\/\/b.*memory:\/\/c/);
    await brokerAt('memory://c');
    await clock.advance(100);
    await within(connected, 'the connection');
  });

  it('gives up with reconnect: false when none of them is there', async () => {
    const client = clientOf(ALL, { reconnect: false });
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('refuses an empty list', () => {
    expect(() => new Client({ url: [] })).toThrow(TypeError);
  });
});
