// Durable work on a nats-server while brokers and the server are killed: what was acknowledged is handled, each at least once.
// Needs `npm run build` first.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect, it } from '@jest/globals';
import type { Message } from 'spoke';
import { Client } from 'spoke';

import { NatsServer } from '../support/nats-server.js';

const CLI = join(import.meta.dirname, '../../dist/cli');

class Process {
  url = 'tcp://127.0.0.1:0';
  #child: ChildProcess | undefined;

  constructor(readonly backplane: string) {}

  async start(): Promise<this> {
    const args = ['--listen', this.url, '--backplane', this.backplane, '--history', 'jobs/**=1d,100MB'];
    const child = spawn(process.execPath, [join(CLI, 'spoke-server.cjs'), ...args, '--json', '--log-level', 'silent'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const [line] = await once(createInterface(child.stdout), 'line');
    [this.url = this.url] = (JSON.parse(String(line)) as { addresses: string[] }).addresses;
    return this;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}

/** Asks again and again until something is so. */
async function eventually(what: () => boolean): Promise<void> {
  const until = Date.now() + 90_000;
  while (!what()) {
    if (Date.now() > until) throw new Error(`it did not come about: ${String(what)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('handles every acknowledged message at least once, in order but for what came again', async () => {
  const nats = await NatsServer.start();
  const brokers = [await new Process(nats.url).start(), await new Process(nats.url).start()];
  const urls = brokers.map(({ url }) => url);
  const clients: Client[] = [];
  const connect = async (order: readonly string[]): Promise<Client> => {
    const client = await Client.connect({ url: order, reconnect: { minDelay: 20, maxDelay: 100 } });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  try {
    const acknowledged = new Set<string>();
    const handled = new Map<string, number>();
    const late: string[] = [];
    const last = new Map<string, number>();
    const handler = ({ body, channel, redelivered }: Message): void => {
      const text = `${channel} ${String(body)}`;
      const before = handled.get(text) ?? 0;
      handled.set(text, before + 1);
      if (redelivered === true || before > 0) return;
      if (Number(body) < (last.get(channel) ?? 0)) late.push(text);
      last.set(channel, Number(body));
    };
    const worker = await connect([...urls].reverse());
    await worker.subscribe('jobs/**', handler, { durable: 'work', inFlight: 20 });
    let going = true;
    const publish = async (client: Client, channel: string): Promise<void> => {
      for (let n = 1; going; n++) {
        try {
          await client.publish(channel, n, { ack: true });
          acknowledged.add(`${channel} ${n}`);
        } catch {
          // Then nothing is promised.
        }
      }
    };
    const running: Promise<void>[] = [];
    for (let p = 0; p < 4; p++) {
      const order = p % 2 === 0 ? urls : [...urls].reverse();
      running.push(publish(await connect(order), `jobs/${p}`));
    }
    const some = async (): Promise<void> => {
      const [count, done] = [acknowledged.size, handled.size];
      await eventually(() => acknowledged.size > count + 100 && handled.size > done + 100);
    };
    await some();
    // The worker's broker, the engine, the other broker, and both.
    for (const index of [1, undefined, 0]) {
      if (index === undefined) {
        await nats.kill();
        await nats.again();
      } else {
        await brokers[index]?.kill();
        await some();
        await brokers[index]?.start();
      }
      await some();
    }
    await Promise.all([nats.kill(), brokers[0]?.kill()]);
    await nats.again();
    await brokers[0]?.start();
    await some();
    going = false;
    await Promise.all(running);
    await eventually(() => [...acknowledged].every((text) => handled.has(text)));
    expect(late).toEqual([]);
    const again = [...handled.values()].filter((count) => count > 1).length;
    process.stderr.write(`${acknowledged.size} acknowledged, ${handled.size} handled, ${again} more than once\n`);
  } finally {
    for (const client of clients) await client.close();
    for (const broker of brokers) await broker.kill();
    await nats.remove();
  }
}, 180_000);

it('is read by a shell: spoke-echo --from, and --durable', async () => {
  const nats = await NatsServer.start();
  const broker = await new Process(nats.url).start();
  const client = await Client.connect(broker.url);
  const echo = async (...args: readonly string[]): Promise<string> => {
    const child = spawn(process.execPath, [join(CLI, 'spoke-echo.cjs'), '--url', broker.url, ...args, 'jobs/*'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await once(child, 'close');
    return out;
  };
  try {
    for (const n of [1, 2, 3]) await client.publish('jobs/x', n, { ack: true });
    expect(await echo('--from', '2', '-f')).toBe('jobs/x: 2\n');
    expect(await echo('--durable', 'shell', '--from', 'start', '-f')).toBe('jobs/x: 1\n');
    expect(await echo('--durable', 'shell', '-f')).toBe('jobs/x: 2\n');
    expect(await echo('--durable', 'shell', '-f')).toBe('jobs/x: 3\n');
  } finally {
    await client.close();
    await broker.kill();
    await nats.remove();
  }
}, 60_000);
