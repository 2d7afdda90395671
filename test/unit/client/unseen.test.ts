/**
 * What a client sends for itself must not be seen by those who watch the network, and a subscription can be kept from
 * seeing itself: tools on `**` print exactly what programs said.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { Broker, Client, MemoryTransport } from '../../../src/index.js';

let transport: MemoryTransport;
let broker: Broker;
let clients: Client[];

async function connect(): Promise<Client> {
  const client = await Client.connect({ url: 'memory://net', transports: [transport] });
  clients.push(client);
  return client;
}

beforeEach(async () => {
  transport = new MemoryTransport();
  clients = [];
  broker = await Broker.start({ listen: 'memory://net', transports: [transport] });
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await broker.close();
});

describe('a monitor on **', () => {
  test('made with bounce: false does not see its own subscription', async () => {
    const monitor = await connect();
    const seen: string[] = [];
    await monitor.subscribe('**', (message) => seen.push(message.channel), { bounce: false });
    await monitor.publish('a', 1);
    await monitor.flush();
    expect(seen).toEqual(['a']);
  });

  test('sees its own subscription otherwise, as the protocol has it', async () => {
    const monitor = await connect();
    const seen: [string, unknown][] = [];
    await monitor.subscribe('**', (message) => seen.push([message.channel, message.body]));
    expect(seen).toEqual([['-control/subscribe', '**']]);
  });

  test('sees subscriptions and messages of others, and nothing else of a client that waits for each of them', async () => {
    const monitor = await connect();
    const seen: [string, unknown][] = [];
    await monitor.subscribe('**', (message) => seen.push([message.channel, message.body]), { bounce: false });

    const other = await connect();
    await other.publish('a', 1);
    await other.flush();
    const subscription = await other.subscribe('b');
    await subscription.unsubscribe();
    await other.flush();
    await monitor.flush();

    expect(seen).toEqual([
      ['a', 1],
      ['-control/subscribe', 'b'],
      ['-control/unsubscribe', 'b'],
    ]);
  });
});

test('a subscription made with bounce: false stays unseen when it is made again on a new connection', async () => {
  const monitor = await connect();
  const seen: string[] = [];
  await monitor.subscribe('**', (message) => seen.push(message.channel), { bounce: false });

  const again = new Promise<void>((resolve) => {
    monitor.on('state', (state) => {
      if (state === 'connected') resolve();
    });
  });
  await broker.close();
  broker = await Broker.start({ listen: 'memory://net', transports: [transport] });
  await again;
  await monitor.flush();
  expect(seen).toEqual([]);
});
