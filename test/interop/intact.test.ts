// A broker writes its memory again as soon as everybody is done with it. Whatever the readers do meanwhile, each gets every
// byte as it was sent.

import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';

import { Broker } from '../../src/broker/index.js';
import type { Transport } from '../../src/contracts/index.js';
import { Client } from '../../src/node/index.js';
import { MemoryTransport } from '../../src/transports/index.js';
import { nodeTransports } from '../../src/transports/node.js';

const MESSAGES = 150;
const LENGTHS = [10, 300, 5_000, 40_000, 70_000, 140_000];
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

let broker: Broker;
let url: string;
let transports: Transport[];
const sockets: Socket[] = [];

beforeEach(async () => {
  transports = [...nodeTransports(), new MemoryTransport()];
  broker = await Broker.start({ listen: ['tcp://127.0.0.1:0', 'memory://intact'], transports });
  url = broker.addresses[0] ?? '';
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await broker.close();
});

/** Different for each message, and telling which part of it is wrong. */
function textOf(publisher: number, n: number): string {
  const length = LENGTHS[(n * 7 + publisher) % LENGTHS.length] ?? 1;
  return `${publisher}:${n}:`.padEnd(length, LETTERS.slice((n + publisher * 5) % 20));
}

interface Received {
  readonly wrong: string[];
  readonly done: Promise<void>;
  take(body: unknown): void;
}

/** Checks that the messages of each publisher come whole and in order. */
function checking(publishers: number): Received {
  const next = Array.from({ length: publishers }, () => 0);
  const wrong: string[] = [];
  let finish = (): void => {};
  const done = new Promise<void>((resolve) => (finish = resolve));
  return {
    wrong,
    done,
    take(body) {
      const [publisher = NaN, n = NaN] = String(body).split(':', 2).map(Number);
      if (next[publisher] !== n) wrong.push(`message ${n} of ${publisher} instead of ${next[publisher]}`);
      else if (body !== textOf(publisher, n)) wrong.push(`message ${n} of ${publisher} was changed`);
      next[publisher] = n + 1;
      if (next.every((count) => count === MESSAGES)) finish();
    },
  };
}

/** A peer that stops reading again and again, and goes on when it has let others run. */
function haltingReader(received: Received): void {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  socket.write('{"head": {"channel": "-control/subscribe"}, "body": "data/**"}\0');
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('latin1')).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const message: unknown = JSON.parse(part);
      if (typeof message === 'object' && message !== null && 'body' in message) received.take(message.body);
    }
    socket.pause();
    setImmediate(() => setImmediate(() => socket.resume()));
  });
}

it('messages of all sizes arrive whole and in order, whoever reads slowly, not at all, or in another codec', async () => {
  const publishers = 3;
  const all = Array.from({ length: 5 }, () => checking(publishers));
  const [first, second, third, inMemory, halting] = all;
  const clients = await Promise.all([
    Client.connect({ url }),
    Client.connect({ url }),
    Client.connect({ url, codec: 'msgpack' }),
    Client.connect({ url: 'memory://intact', transports }),
  ]);
  for (const [i, received] of [first, second, third, inMemory].entries()) {
    await clients[i]?.subscribe('data/**', ({ body }) => received?.take(body));
  }
  if (halting !== undefined) haltingReader(halting);
  // One that never reads: nobody else may notice.
  const stalled = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(stalled);
  stalled.pause();
  stalled.write('{"head": {"channel": "-control/subscribe"}, "body": "data/**"}\0');
  stalled.on('error', () => {});
  await once(stalled, 'connect');
  await clients[0]?.flush();
  while (broker.stats.subscriptions < 6) await clients[0]?.flush();

  const writers = await Promise.all(
    Array.from({ length: publishers }, (_, i) => Client.connect({ url, ...(i === 2 && { codec: 'msgpack' }) })),
  );
  await Promise.all(
    writers.map(async (writer, publisher) => {
      for (let n = 0; n < MESSAGES; n++) {
        const body = textOf(publisher, n);
        await writer.publish(`data/${publisher}`, body);
        // In bursts, so that turns of all sizes come.
        if (n % 23 === publisher) await writer.flush();
      }
    }),
  );
  await Promise.all(all.map(({ done }) => done));
  expect(all.flatMap(({ wrong }) => wrong)).toEqual([]);
  await Promise.all([...clients, ...writers].map((client) => client.close()));
}, 120_000);
