/**
 * The applications of docs/examples as programs: compiled as a user's would be, over TCP, ended by a signal. They import the
 * built package, so this needs `npm run build` first.
 */
import { spawn } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { build } from 'esbuild';

import { Broker, Client } from '../../src/index.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { RunningCommand } from './cli/commands.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGES = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'inversify', 'reflect-metadata', 'rxjs'];

jest.setTimeout(60_000);

let broker: Broker;
let client: Client;
let folder: TemporaryFolder;
const started: RunningCommand[] = [];

beforeEach(async () => {
  folder = await TemporaryFolder.make();
  await mkdir(join(folder.path, 'node_modules/@nestjs'), { recursive: true });
  await symlink(root, join(folder.path, 'node_modules/spoke'));
  for (const name of PACKAGES) await symlink(join(root, 'node_modules', name), join(folder.path, 'node_modules', name));
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0' });
  client = await Client.connect(broker.addresses[0]);
});

afterEach(async () => {
  for (const program of started.splice(0)) await program.kill();
  await client.close();
  await broker.close();
  await folder[Symbol.asyncDispose]();
});

/** Starts an example and waits for a line that it prints. */
async function start(example: string, ready: string): Promise<RunningCommand> {
  const outfile = join(folder.path, `${dirname(example)}.mjs`);
  await build({
    entryPoints: [join(root, 'docs/examples', example)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    // Not ours, whose paths lead to the sources.
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  });
  const { port } = new URL(broker.addresses[0] ?? '');
  const child = spawn(process.execPath, [outfile], {
    env: { ...process.env, SPOKEHOST: '127.0.0.1', SPOKEPORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const program = new RunningCommand(example, child);
  started.push(program);
  while (!(await program.line()).includes(ready));
  return program;
}

test('the inversify application answers calls, and ends by a signal without an error', async () => {
  const program = await start('inversify/main.ts', 'providing heating/set');
  await client.call('heating/set', { room: 'bath', degrees: 24 });
  expect(await client.call('heating/target', 'bath')).toBe(24);
  expect(await program.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
});

test('the NestJS application answers requests, and ends by a signal as Nest does', async () => {
  const program = await start('nestjs/main.ts', 'listening');
  await client.publish('sensors/cellar/temp', 11);
  await client.flush();
  expect(await client.call('rooms/temperature', 'kitchen')).toBe(19);
  expect(await client.call('rooms/names')).toEqual(['kitchen', 'cellar']);
  // After its hooks Nest sends itself the same signal.
  expect(await program.signal('SIGTERM')).toMatchObject({ code: null, stderr: '' });
  expect(program.child.signalCode).toBe('SIGTERM');
});
