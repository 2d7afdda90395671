/** spoke-server with a configuration file, as a process: checked, obeyed, read again; and who logs in with the commands. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';

import { Client, hashPassword, hashToken } from '../../../src/index.js';
import { endAll, run, start } from './commands.js';

jest.setTimeout(60_000);
afterEach(endAll);

const PASSWORD = 'correct horse battery staple';
const TOKEN = 'token-of-r2';
let folder: string;
let hash: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoke-config-'));
  hash = await hashPassword(PASSWORD);
  await writeFile(join(folder, 'password'), `${PASSWORD}\n`);
  await writeFile(join(folder, 'token'), TOKEN);
  await writeFile(join(folder, 'wrong'), 'guess');
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

const file = (): string => join(folder, 'spoke.yaml');

async function write(users: object, more: object = {}): Promise<void> {
  const listen = ['tcp://127.0.0.1:0', `unix://${join(folder, 'socket')}`];
  await writeFile(file(), JSON.stringify({ listen, log: { level: 'debug' }, users, ...more }));
  await chmod(file(), 0o600);
}

const users = () => ({
  alice: { password: hash, allow: 'all' },
  r2: { token: hashToken(TOKEN), allow: { publish: ['robots/{user}/**'] } },
});

async function startConfigured() {
  const server = start('spoke-server', ['--json', '--config', file()]);
  const ready: unknown = JSON.parse(await server.line());
  const { urls } = ready as { urls: string[] };
  return { server, url: urls[0] ?? '' };
}

describe('--check-config', () => {
  test('says that nothing is wrong, with exit code 0', async () => {
    await write(users());
    expect(await run('spoke-server', ['--check-config', '--config', file()])).toEqual({
      code: 0,
      stdout: `${file()}: nothing is wrong with it\n`,
      stderr: '',
    });
  });

  test('says where it is wrong, with exit code 1, and so does a server that is started with it', async () => {
    await write({ alice: { pasword: 'x' } });
    for (const args of [
      ['--check-config', '--config', file()],
      ['--config', file()],
    ]) {
      const { code, stdout, stderr } = await run('spoke-server', args);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toBe(
        `spoke-server: ${file()}:1: users.alice.pasword: there is no such key; did you mean password?\n`,
      );
    }
  });
});

test('who may log in does, with a file that holds a secret; who may not is told so', async () => {
  await write(users());
  const { url, server } = await startConfigured();
  const publish = async (channel: string, ...login: string[]) =>
    run('spoke-publish', ['--url', url, channel, '1', ...login]);
  const alice = ['--user', 'alice', '--password-file'];
  expect(await publish('x', ...alice, join(folder, 'password'))).toMatchObject({ code: 0, stderr: '' });
  expect(await publish('robots/r2/x', '--token-file', join(folder, 'token'))).toMatchObject({ code: 0, stderr: '' });
  const forbidden = await publish('robots/r3/x', '--token-file', join(folder, 'token'));
  expect(forbidden).toMatchObject({ code: 1, stderr: expect.stringContaining('r2 may not publish robots/r3/x') });
  expect(await publish('x', ...alice, join(folder, 'wrong'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the login is not right'),
  });
  expect(await publish('x')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('log in, with a token or a password (options that log in: --help)'),
  });
  const inUrl = await run('spoke-publish', [
    '--url',
    url.replace('//', `//alice:${encodeURIComponent(PASSWORD)}@`),
    'x',
  ]);
  expect(inUrl).toMatchObject({ code: 2, stderr: expect.stringContaining('can be seen by everyone') });
  expect(inUrl.stderr).not.toContain('horse');
  const environment = { SPOKE_USER: 'alice', SPOKE_PASSWORD: PASSWORD };
  expect(await run('spoke-publish', ['--url', url, 'x', '1'], environment)).toMatchObject({ code: 0, stderr: '' });
  server.child.kill('SIGTERM');
  const { stderr } = await server.ended();
  // The whole log of it, with every line that there is.
  expect(stderr).toContain('"level":"debug"');
  for (const secret of ['horse', TOKEN, 'guess', hash.slice(-20)]) expect(stderr).not.toContain(secret);
});

test('neither the arguments nor the log of a server hold a secret', async () => {
  await write(users());
  const { server, url } = await startConfigured();
  await using client = await Client.connect({ url, auth: { user: 'alice', password: PASSWORD } });
  await client.flush();
  const line = await readFile(`/proc/${server.child.pid}/cmdline`, 'utf8');
  expect(line).toContain('--config');
  expect(line).not.toContain(hash);
});

describe('SIGHUP', () => {
  test('lets another file hold, without a connection lost; one that is wrong changes nothing', async () => {
    await write(users());
    const { server, url } = await startConfigured();
    await using alice = await Client.connect({ url, auth: { user: 'alice', password: PASSWORD } });
    await using r2 = await Client.connect({ url, auth: { token: TOKEN } });
    const states: string[] = [];
    for (const client of [alice, r2]) client.on('state', (state) => states.push(state));
    await expect(r2.publish('x', 1, { ack: true })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const hangUp = async (said: string): Promise<void> => {
      server.child.kill('SIGHUP');
      let line = '';
      while (!line.includes(said)) line = await server.note();
    };
    await write({ ...users(), r2: { token: hashToken(TOKEN), allow: 'all' } });
    await hangUp('was read again');
    await r2.publish('x', 1, { ack: true });
    await writeFile(file(), 'users: [\n');
    await hangUp('stays as it was');
    await r2.publish('x', 1, { ack: true });
    expect(states).toEqual([]);
    const closed = new Promise((resolve) => r2.on('state', (state, error) => state === 'closed' && resolve(error)));
    await write({ alice: users().alice });
    await hangUp('was read again');
    expect(await closed).toMatchObject({ code: 'UNAUTHENTICATED' });
    await alice.publish('x', 1, { ack: true });
  });
});

test('spoke-passwd prints a hash of what it reads, and tokens that nobody can guess', async () => {
  const { code, stdout } = await run('spoke-passwd', ['--token', '--json']);
  const { token, hash: hashed } = JSON.parse(stdout) as { token: string; hash: string };
  expect({ code, hashed }).toEqual({ code: 0, hashed: hashToken(token) });
  expect(await run('spoke-passwd')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there was no password'),
  });
});
