// The example of docs/writing-a-transport.md is held to what is asked of every transport.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { CloseReason, Connection } from 'spoke';
import { Broker, Client, createContainer, DEFAULT_LIMITS, parseAddress, TOKENS } from 'spoke';
import { transportSuite } from 'spoke/testing';

import { WorkerTransport } from '../../../docs/examples/worker-transport/worker-transport.js';
import { Collector } from '../../support/collector.js';
import { within } from '../../support/within.js';

transportSuite({ describe, it }, 'worker (one thread)', () => {
  let endpoints = 0;
  return { transport: new WorkerTransport(), newUrl: () => `worker://suite-${++endpoints}` };
});

transportSuite({ describe, it }, 'worker (through a door)', () => {
  let endpoints = 0;
  const transport = new WorkerTransport();
  const door = transport.door();
  return {
    transport,
    connecting: new WorkerTransport(door),
    newUrl: () => `worker://suite-${++endpoints}`,
    close: () => door.close(),
  };
});

const limits = DEFAULT_LIMITS;

describe('worker transport', () => {
  it.each(['worker://', 'worker://a/b', 'worker://a:1', 'worker://a?b=c'])(
    'refuses %s, which is more or less than a name',
    async (url) => {
      const transport = new WorkerTransport();
      const address = parseAddress(url);
      await expect(transport.connect(address, { limits })).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
      await expect(transport.listen(address, () => {}, { limits })).rejects.toMatchObject({ code: 'ADDRESS_INVALID' });
    },
  );

  it('says so when the thread behind the door is gone', async () => {
    const door = new WorkerTransport().door();
    door.close();
    await within(once(door, 'close'), 'the end of the door');
    const attempt = new WorkerTransport(door).connect(parseAddress('worker://a'), { limits });
    await expect(within(attempt, 'the failure')).rejects.toMatchObject({ code: 'CONNECT_FAILED', retryable: true });
  });

  it('gives up when the other thread does not answer', async () => {
    // A door that nobody opens.
    const { port1, port2 } = new MessageChannel();
    const transport = new WorkerTransport(port1);
    const attempt = transport.connect(parseAddress('worker://a'), { limits: { ...limits, connectTimeout: 10 } });
    await expect(within(attempt, 'the failure')).rejects.toMatchObject({ code: 'CONNECT_FAILED', retryable: true });
    port1.close();
    port2.close();
  });
});

describe('threads', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spoke-worker-'));
    const example = 'docs/examples/worker-transport';
    await build({
      entryPoints: [`${example}/main.ts`, `${example}/worker.ts`, 'test/support/thread-that-reads-when-told.ts'],
      outdir: folder,
      entryNames: '[name]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      logLevel: 'error',
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
      },
    });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  function start(program: string, transport: WorkerTransport): Worker {
    const door = transport.door();
    return new Worker(join(folder, `${program}.js`), { workerData: { door }, transferList: [door] });
  }

  it('publish to, subscribe to and call each other through a broker in one of them, by a transport that is bound in a container', async () => {
    const transport = new WorkerTransport();
    const container = createContainer({ listen: 'worker://broker', url: 'worker://broker', timeout: 5000 });
    container.bind(TOKENS.Transport).toConstantValue(transport);
    const broker = await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    const temperatures = new Collector<unknown>('temperatures');
    await client.subscribe('sensors/*/temp', ({ body }) => temperatures.add(body));

    const worker = start('worker', transport);
    const ended = once(worker, 'exit');
    try {
      expect(await temperatures.take(1)).toEqual([21.5]);
      expect(await client.call<number>('math/square', 12, { timeout: 5000 })).toBe(144);
      expect(broker.stats.connections).toBe(2);
      await client.publish('sensors/stop');
      expect(await within(ended, 'the end of the worker')).toEqual([0]);
    } finally {
      await worker.terminate();
      await container.unbindAllAsync();
    }
  });

  it('may be terminated: the broker forgets their connections', async () => {
    const transport = new WorkerTransport();
    const broker = await Broker.start({ listen: 'worker://broker', transports: [transport] });
    const here = new Client({ url: 'worker://broker', transports: [transport] });
    await here.connect({ timeout: 5000 });
    const temperatures = new Collector<unknown>('temperatures');
    await here.subscribe('sensors/*/temp', ({ body }) => temperatures.add(body));

    const worker = start('worker', transport);
    await temperatures.take(1);
    expect(broker.stats.connections).toBe(2);
    await worker.terminate();
    while (broker.stats.connections > 1) await here.flush({ timeout: 5000 });
    await here.close();
    await broker.close();
  });

  it('hold back what the other one does not read: send says stop at a window, and drain when it is read', async () => {
    const chunk = new Uint8Array(64 * 1024);
    const window = 256 * 1024;
    const total = 8 * 1024 * 1024;
    const transport = new WorkerTransport();
    let accept = (_: Connection) => {};
    const accepted = new Promise<Connection>((resolve) => (accept = resolve));
    const listener = await transport.listen(parseAddress('worker://writer'), accept, { limits });
    const worker = start('thread-that-reads-when-told', transport);
    const report = once(worker, 'message');
    const ended = once(worker, 'exit');

    const connection = await within(accepted, 'the connection');
    let sent = 0;
    const sendUntilStopped = () => {
      do sent += chunk.length;
      while (connection.send(chunk) && sent < total);
      if (sent >= total) connection.close();
    };
    const drained = new Collector<number>('drains');
    const closed = new Promise<CloseReason>((close) => {
      connection.start({ data() {}, drain: () => (drained.add(sent), sendUntilStopped()), close });
    });
    sendUntilStopped();
    expect(sent).toBe(window);
    expect(connection.pendingBytes).toBe(window);
    expect(drained.items).toEqual([]);

    worker.postMessage('read');
    await drained.take(1);
    expect(await within(closed, 'the end')).toEqual({ by: 'local' });
    expect(await within(report, 'the report of the thread')).toEqual([{ total, by: 'remote' }]);
    await within(ended, 'the end of the thread');
    await listener.close();
  });

  it('are a program of a page, which prints what happened and ends by itself', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.js')], { timeout: 8000 });
    expect(stdout).toBe('sensors/kitchen/temp: 21.5\n12 squared is 144\n');
  });
});
