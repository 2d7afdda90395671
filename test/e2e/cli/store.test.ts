/** spoke-server --store, as a process. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { Client } from '../../../src/index.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';
import { endAll, run, start, startServer } from './commands.js';

jest.setTimeout(60_000);

let folder: TemporaryFolder;
let store: string;

beforeEach(async () => {
  folder = await TemporaryFolder.make();
  store = join(folder.path, 'store');
});
afterEach(async () => {
  await endAll();
  await folder[Symbol.asyncDispose]();
});

const listen = ['--listen', 'tcp://127.0.0.1:0'];

describe('spoke-server --store', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('has what was kept, in its order, after %s', async (signal) => {
    const first = await startServer([...listen, '--store', store]);
    for (const channel of ['z', 'a', 'm']) {
      expect((await run('spoke-publish', ['--url', first.url, '-p', channel, '1'])).code).toBe(0);
    }
    if (signal === 'SIGKILL') await first.server.kill();
    else expect(await first.server.signal(signal)).toMatchObject({ code: 0, stderr: '' });

    const second = await startServer([...listen, '--store', store]);
    await using client = await Client.connect(second.url);
    const channels: string[] = [];
    await client.subscribe('**', (message) => channels.push(message.channel));
    expect(channels.filter((channel) => !channel.startsWith('-'))).toEqual(['z', 'a', 'm']);
  });

  test('is for one broker: the second says so and ends, and the first goes on', async () => {
    const first = await startServer([...listen, '--store', store]);
    expect(await run('spoke-server', [...listen, '--store', store])).toEqual({
      code: 1,
      stdout: '',
      stderr: `spoke-server: ${store} is in use by another broker; give each one a folder of its own\n`,
    });
    expect((await run('spoke-publish', ['--url', first.url, '-p', 'a', '1'])).code).toBe(0);
  });

  test('says in one line that a file is none of its own', async () => {
    await writeFile(join(folder.path, 'data.mdb'), 'hello world\n'.repeat(500));
    const { code, stderr } = await run('spoke-server', [...listen, '--store', folder.path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^spoke-server: .*data\.mdb is damaged, or no store of spoke: .*\n$/);
  });

  test('needs a folder', async () => {
    expect(await run('spoke-server', ['--store', ''])).toMatchObject({ code: 2 });
    expect(await run('spoke-server', [...listen, '--store', '/proc/none'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'spoke-server: the store in /proc/none cannot be opened: it cannot be made there (ENOENT)\n',
    });
  });
});

test('a broker whose disk is full says so, and serves what needs no disk', async () => {
  const server = start('spoke-server', ['--json', ...listen, '--store', store], {}, undefined, 256);
  const { urls } = JSON.parse(await server.line()) as { urls: string[] };
  const url = urls[0]!;
  await using client = await Client.connect(url);
  let sent = 0;
  const outcome = async () =>
    client.publish(`kept/${sent++}`, 'x'.repeat(4000), { persist: true }).then(
      () => 'durable',
      (error) => error.code,
    );
  while ((await outcome()) === 'durable') expect(sent).toBeLessThan(1000);
  expect(sent).toBeGreaterThan(10);
  expect(await outcome()).toBe('STORE_FAILED');

  // Messages cross, what was kept is served, and once there is room again everything is durable.
  const subscription = await client.subscribe('live');
  await client.publish('live', 1);
  for await (const message of subscription) {
    expect(message.body).toBe(1);
    break;
  }
  const kept = new Set<string>();
  await client.subscribe('kept/*', (message) => kept.add(message.channel));
  expect(kept.size).toBe(sent);
  const { code, stderr } = await server.signal('SIGTERM');
  expect(code).toBe(0);
  // The library in C writes a line of its own when only a part could be written.
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => !/^(?:Write error|do_write error)/.test(line));
  // One object a line: no stack trace of whatever package.
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(expect.arrayContaining(['error']));
  expect(stderr).toContain('persistent messages are not durable');

  const again = await startServer([...listen, '--store', store]);
  await using other = await Client.connect(again.url);
  const durable = new Set<string>();
  await other.subscribe('kept/*', (message) => durable.add(message.channel));
  expect(durable.size).toBe(sent - 2);
});
