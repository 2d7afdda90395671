// Whoever means harm, or does it: connections that open and vanish, readers of much that read nothing, no more files. A pair of
// clients exchanges numbered messages meanwhile, and notices nothing. SPOKE_ABUSE=full: in full size, by hand.

import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { Client } from '../../src/index.js';
import { within } from '../support/within.js';
import type { RunningCommand } from './cli/commands.js';
import { endAll, startServer, startServerWithFiles } from './cli/commands.js';

const FULL = process.env['SPOKE_ABUSE'] === 'full';
jest.setTimeout(FULL ? 300_000 : 90_000);

const sockets = new Set<Socket>();
const clients: Client[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await endAll();
});

/** Two clients that ask and answer numbered questions. */
class Pair {
  exchanged = 0;
  #lost = 0;
  #longest = 0;
  #going = true;
  #done: Promise<void> = Promise.resolve();

  static async join(url: string): Promise<Pair> {
    const pair = new Pair();
    const [a, b] = [await Client.connect(url), await Client.connect(url)];
    clients.push(a, b);
    for (const client of [a, b]) client.on('state', (state) => void (state === 'closed' || pair.#lost++));
    let answered = (_: unknown): void => {};
    await b.subscribe('question', ({ body }) => b.publish('answer', body));
    await a.subscribe('answer', ({ body }) => answered(body));
    pair.#done = pair.#exchange(async (n) => {
      const answer = new Promise((resolve) => (answered = resolve));
      await a.publish('question', n);
      return answer;
    });
    return pair;
  }

  async #exchange(ask: (n: number) => Promise<unknown>): Promise<void> {
    while (this.#going) {
      const began = performance.now();
      const answer = await within(ask(this.exchanged), `the answer to question ${this.exchanged}`, 20_000);
      expect(answer).toBe(this.exchanged++);
      this.#longest = Math.max(this.#longest, performance.now() - began);
    }
  }

  /** Ends it: nothing was lost, nobody was disconnected. */
  async end(what: string): Promise<void> {
    this.#going = false;
    await this.#done;
    expect(this.#lost).toBe(0);
    expect(this.exchanged).toBeGreaterThan(0);
    if (FULL) process.stderr.write(`${what}: ${this.exchanged} exchanged, longest ${this.#longest.toFixed(0)} ms\n`);
  }
}

/** Resolves when it is connected; `undefined` when it never was. */
async function open(url: string): Promise<Socket | undefined> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  sockets.add(socket);
  socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket)).once('close', () => resolve(undefined));
  });
}

/** What the system says of its memory, in MiB; 0 where it says nothing. */
function resident({ child }: RunningCommand): number {
  try {
    const table = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(table)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

const frame = (channel: string, body: unknown, head: object = {}) =>
  `${JSON.stringify({ head: { channel, ...head }, body })}\0`;

describe('others notice nothing of', () => {
  test('connections that open, subscribe and vanish, all at once', async () => {
    const { server, url } = await startServer();
    const pair = await Pair.join(url);
    const before = resident(server);
    const total = FULL ? 10_000 : 1000;
    let opened = 0;
    const one = async () => {
      while (opened < total) {
        opened++;
        const socket = await open(url);
        socket?.write(frame('-control/subscribe', `vanish/*/${opened}`));
        socket?.resetAndDestroy();
      }
    };
    await Promise.all(Array.from({ length: 500 }, one));
    const after = resident(server);
    expect(after - before).toBeLessThan(150);
    await pair.end(`${total} connections, ${before.toFixed(0)} to ${after.toFixed(0)} MiB`);
    await using visitor = await Client.connect(url);
    await visitor.flush();
  });

  test('a replay of much to readers that read nothing, nor of their end', async () => {
    const { server, url } = await startServer();
    const publisher = await Client.connect(url);
    clients.push(publisher);
    const megabytes = FULL ? 50 : 10;
    const body = 'x'.repeat(50_000);
    for (let n = 0; n < megabytes * 20; n++) await publisher.publish(`kept/${n}`, body, { persist: true });
    const pair = await Pair.join(url);
    const before = resident(server);
    for (let n = 0; n < 5; n++) {
      const reader = await open(url);
      reader?.pause();
      reader?.write(frame('-control/subscribe', 'kept/**'));
    }
    // One that reads has all of it meanwhile.
    let got = 0;
    const all = new Promise<void>((resolve) => {
      void publisher.subscribe('kept/**', () => {
        if (++got === megabytes * 20) resolve();
      });
    });
    await within(all, 'all that is kept', 60_000);
    const after = resident(server);
    expect(after - before).toBeLessThan(megabytes * 5 + 100);
    await pair.end(`${megabytes} MB to 5 readers that stall, ${before.toFixed(0)} to ${after.toFixed(0)} MiB`);
  });

  test('no more files: one line says so, and there is room again when some have gone', async () => {
    const { server, url } = await startServerWithFiles(64);
    const warning = JSON.parse(await server.note());
    expect(warning.msg).toContain('may open 64 files');
    const pair = await Pair.join(url);
    const crowd = await Promise.all(Array.from({ length: 100 }, () => open(url)));
    for (;;) {
      const line = JSON.parse(await server.note());
      if (String(line.msg).startsWith('no more files can be opened')) break;
    }
    for (const socket of crowd) socket?.destroy();
    for (;;) {
      const line = JSON.parse(await server.note());
      expect(line.msg).not.toContain('no more files');
      if (String(line.msg).startsWith('files can be opened again')) break;
    }
    await using visitor = await Client.connect({ url, timeout: 20_000 });
    await visitor.flush({ timeout: 20_000 });
    await pair.end('100 connections to a server with 64 files');
    expect(server.child.exitCode).toBeNull();
  });
});
