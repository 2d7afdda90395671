/** spoke-server as a service of systemd: sockets that were opened for it, readiness, watchdog, end. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { Client } from '../../../src/index.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';
import { within } from '../../support/within.js';

jest.setTimeout(60_000);

const SERVER = fileURLToPath(new URL('../../../dist/cli/spoke-server.cjs', import.meta.url));
/** As systemd does it: the process that gets the sockets is the one that is named. */
const AS_OWNER = 'LISTEN_PID=$$ exec "$@"';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Its file descriptor: what systemd would hand over. */
function descriptorOf(server: Server): number {
  const handle: unknown = Reflect.get(server, '_handle');
  return Number(Reflect.get(Object(handle), 'fd'));
}

async function listening(where: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer();
  server.listen(where);
  await once(server, 'listening');
  ends.push(async () => new Promise((resolve) => server.close(resolve)));
  return server;
}

async function startService(environment: Record<string, string>, sockets: readonly Server[]): Promise<ChildProcess> {
  const { NOTIFY_SOCKET: _, ...inherited } = process.env;
  const child = spawn('/bin/sh', ['-c', AS_OWNER, 'sh', process.execPath, SERVER, '--json'], {
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'inherit', ...sockets.map(descriptorOf)],
  });
  const ended = once(child, 'exit');
  ends.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  if (child.stdout !== null) await within(once(child.stdout, 'data'), 'the first line of the server', 20_000);
  return child;
}

/** A stand-in for the program that comes with systemd, which writes down what it was told. */
async function notifier(): Promise<{ path: string; told: () => Promise<string[]> }> {
  const folder = await TemporaryFolder.make();
  ends.push(async () => folder[Symbol.asyncDispose]());
  const file = join(folder.path, 'told');
  await writeFile(file, '');
  await writeFile(join(folder.path, 'systemd-notify'), `#!/bin/sh\nprintf '%s\\n' "$*" >> '${file}'\n`);
  await chmod(join(folder.path, 'systemd-notify'), 0o755);
  const told = async () => (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return { path: `${folder.path}:${process.env['PATH'] ?? ''}`, told };
}

async function until(done: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('spoke-server under systemd', () => {
  test('listens on the sockets that were opened for it, of the kinds that they are named', async () => {
    const folder = await TemporaryFolder.make();
    ends.push(async () => folder[Symbol.asyncDispose]());
    const path = join(folder.path, 'spoke.sock');
    const sockets = [
      await listening({ host: '127.0.0.1', port: 0 }),
      await listening({ host: '127.0.0.1', port: 0 }),
      await listening({ path }),
    ];
    const [tcp, web] = sockets.map((socket) => (socket.address() as AddressInfo).port);
    await startService({ LISTEN_FDS: '3', LISTEN_FDNAMES: 'spoke.socket:ws:unix' }, sockets);
    // Their connections are for the service alone from now on. Whoever closes a Unix socket removes its file.
    await rename(path, `${path}.kept`);
    for (const socket of sockets) await new Promise((resolve) => socket.close(resolve));
    await rename(`${path}.kept`, path);
    const subscriber = await Client.connect(`ws://127.0.0.1:${web}`);
    ends.push(async () => subscriber.close());
    const heard: unknown[] = [];
    await subscriber.subscribe('x', ({ body }) => heard.push(body));
    for (const url of [`tcp://127.0.0.1:${tcp}`, `unix://${path}`]) {
      const publisher = await Client.connect(url);
      ends.push(async () => publisher.close());
      await publisher.publish('x', url.slice(0, 3), { ack: true });
    }
    await subscriber.flush();
    expect(heard).toEqual(['tcp', 'uni']);
  });

  test('says when it is ready, that it is alive, and that it stops', async () => {
    const { path, told } = await notifier();
    const child = await startService(
      { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '200000', PATH: path, SPOKEPORT: '0' },
      [],
    );
    await until(async () => (await told()).filter((line) => line === 'WATCHDOG=1').length > 1, 'two signs of life');
    const [first] = await told();
    expect(first).toMatch(new RegExp(`^--pid=${child.pid} --ready --status=listening on tcp://0\\.0\\.0\\.0:\\d+$`));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await within(ended, 'the end of the server', 20_000)).toEqual([0, null]);
    await until(async () => (await told()).at(-1) === 'STOPPING=1', 'that it stops');
  });

  test('opens its own endpoints when the sockets are those of another process', async () => {
    const child = spawn(process.execPath, [SERVER, '--json'], {
      env: { ...process.env, LISTEN_PID: '1', LISTEN_FDS: '1', SPOKEPORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    ends.push(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const [line] = (await within(once(child.stdout, 'data'), 'the first line', 20_000)) as [Buffer];
    expect(JSON.parse(line.toString())).toMatchObject({
      addresses: [expect.stringMatching(/^tcp:\/\/0\.0\.0\.0:\d+$/)],
    });
  });
});
