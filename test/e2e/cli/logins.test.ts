/** Who somebody is, over the real transports, with processes: certificates, users of the system, logins by WebSocket, bridges. */
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { WebSocket } from 'ws';

import { Client as PageClient } from '../../../src/browser.js';
import { Client, hashPassword, hashToken } from '../../../src/index.js';
import { BrowserWebSocketTransport } from '../../../src/transports/websocket/browser/index.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';
import { tlsFile } from '../../support/tls-files.js';
import { within } from '../../support/within.js';
import type { RunningCommand } from './commands.js';
import { endAll, run, start, startServer } from './commands.js';

jest.setTimeout(90_000);

const PASSWORD = 'correct horse battery staple';
const TOKEN = 'the-token-of-a-program';
let folder: TemporaryFolder;
let hash: string;
const at = (name: string): string => join(folder.path, name);
beforeEach(async () => {
  folder = await TemporaryFolder.make();
  hash ??= await hashPassword(PASSWORD);
  await writeFile(at('password'), `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(at('token'), TOKEN, { mode: 0o600 });
  await writeFile(at('wrong'), 'guess', { mode: 0o600 });
});
afterEach(async () => {
  await endAll();
  await folder[Symbol.asyncDispose]();
});

async function configured(config: object): Promise<{ server: RunningCommand; urls: string[] }> {
  const file = at('spoke.json');
  await writeFile(file, JSON.stringify({ log: { level: 'info' }, ...config }));
  const server = start('spoke-server', ['--json', '--config', file]);
  const { urls } = JSON.parse(await server.line()) as { urls: string[] };
  return { server, urls };
}

async function noted(server: RunningCommand, text: string): Promise<void> {
  let line = '';
  while (!line.includes(text)) line = await server.note();
}

const mayPublish = { allow: { publish: ['of/{user}'] } };
/** What becomes of a message of each of these users. */
const publish = async (url: string, channel: string, ...login: string[]) =>
  run('spoke-publish', ['--url', url, channel, '1', '-t', '10', ...login]);

describe('certificates of clients', () => {
  const options = (name: string): string => `&cert=${tlsFile(name)}&key=${tlsFile(`${name}-key`)}`;

  test('say who they are; without a good one a client has to log in, or is nobody', async () => {
    const listen = [
      {
        url: 'tls://127.0.0.1:0',
        cert: tlsFile('server'),
        key: tlsFile('server-key-encrypted'),
        passphraseFile: 'phrase',
        ca: tlsFile('ca'),
        requestCert: true,
        rejectUnauthorized: false,
      },
    ];
    await writeFile(at('phrase'), 'secret\n', { mode: 0o600 });
    const users = {
      'robot-7': { certificate: true, ...mayPublish },
      alice: { password: hash, ...mayPublish },
    };
    const { urls } = await configured({ listen, users });
    const url = `${urls[0]}?ca=${tlsFile('ca')}`;
    expect(await publish(url + options('client'), 'of/robot-7')).toMatchObject({ code: 0, stderr: '' });
    expect(await publish(url + options('client'), 'of/alice')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('robot-7 may not publish of/alice'),
    });
    expect(await publish(url + options('stranger'), 'of/robot-7')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('log in'),
    });
    const login = ['--user', 'alice', '--password-file', at('password')];
    expect(await publish(url + options('client'), 'of/alice', ...login)).toMatchObject({ code: 0, stderr: '' });
    expect(await publish(url, 'of/alice', ...login)).toMatchObject({ code: 0, stderr: '' });
  });

  test('SIGHUP: a renewed certificate of the server is shown to newcomers, and no connection is lost', async () => {
    const renew = async (name: string): Promise<void> => {
      await copyFile(tlsFile(name), at('server.pem'));
      await copyFile(tlsFile(`${name}-key`), at('server-key.pem'));
    };
    await renew('server');
    const of = (scheme: string) => ({ url: `${scheme}://127.0.0.1:0`, cert: 'server.pem', key: 'server-key.pem' });
    const { server, urls } = await configured({
      listen: [of('tls'), of('wss')],
      users: { alice: { password: hash, allow: 'all' } },
    });
    const auth = { user: 'alice', password: PASSWORD };
    const trusting = urls.map((url) => `${url}?ca=${tlsFile('ca')}`);
    const clients = await Promise.all(trusting.map(async (url) => Client.connect({ url, auth })));
    const states: string[] = [];
    for (const client of clients) client.on('state', (state) => states.push(state));
    await renew('elsewhere');
    server.child.kill('SIGHUP');
    await noted(server, 'was read again');
    for (const url of trusting) {
      // The name in it is another one.
      await expect(Client.connect({ url, auth, reconnect: false })).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
      await using late = await Client.connect({ url: `${url}&servername=elsewhere.example`, auth });
      await late.flush();
    }
    // One that cannot be used changes nothing.
    await writeFile(at('server.pem'), 'nonsense');
    server.child.kill('SIGHUP');
    await noted(server, 'stays as it was');
    await using last = await Client.connect({ url: `${trusting[0]}&servername=elsewhere.example`, auth });
    await last.flush();
    for (const client of clients) await client.flush();
    expect(states).toEqual([]);
    await Promise.all(clients.map(async (client) => client.close()));
  });
});

const { uid } = process.getuid === undefined ? { uid: undefined } : { uid: process.getuid() };
(process.platform === 'linux' ? test : test.skip)('a Unix socket knows the user of the system', async () => {
  const users = { me: { uid, ...mayPublish }, other: { uid: 54_321, ...mayPublish } };
  await configured({ listen: [`unix://${at('socket')}`, 'tcp://127.0.0.1:0'], users });
  const url = `unix://${at('socket')}`;
  expect(await publish(url, 'of/me')).toMatchObject({ code: 0, stderr: '' });
  expect(await publish(url, 'of/other')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('me may not publish of/other'),
  });
});

describe('WebSocket', () => {
  test('takes logins of programs and of pages, by password and by token', async () => {
    const users = { alice: { password: hash, allow: 'all' }, page: { token: hashToken(TOKEN), ...mayPublish } };
    const { urls } = await configured({ listen: ['ws://127.0.0.1:0'], users });
    const [url = ''] = urls;
    await using alice = await Client.connect({ url, auth: { user: 'alice', password: PASSWORD } });
    const bodies: unknown[] = [];
    await alice.subscribe('of/*', ({ body }) => bodies.push(body));
    const page = (auth: object) =>
      new PageClient({ url, transports: [new BrowserWebSocketTransport({ WebSocket })], auth, reconnect: false });
    const one = page({ token: TOKEN });
    const refused = new Promise((resolve) => one.on('error', ({ code }) => resolve(code)));
    await within(one.connect(), 'the connection of a page');
    await one.publish('of/page', 'from a page');
    await one.publish('of/alice', 'forged');
    await one.flush();
    expect(await within(refused, 'an error')).toBe('FORBIDDEN');
    await alice.flush();
    expect(bodies).toEqual(['from a page']);
    const wrong = page({ token: 'guess' });
    await expect(within(wrong.connect(), 'the end of the login')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await one.close();
    await wrong.close();
  });
});

describe('bridges and proxies', () => {
  const users = () => ({
    bridge: { token: hashToken(TOKEN), allow: 'all' },
    viewer: { password: hash, allow: { subscribe: ['weather/**'] } },
    station: { token: hashToken('of-the-station'), allow: { publish: ['weather/**'] } },
  });
  const closed = async () => configured({ listen: ['tcp://127.0.0.1:0'], users: users() });

  test('a bridge logs in to either side with a file, and tells when it is not let in', async () => {
    const [{ urls }, open] = [await closed(), await startServer()];
    const [url = ''] = urls;
    const sides = ['--url1', open.url, '--url2', url];
    const bridge = start('spoke-bridge', [...sides, '--token-file2', at('token')]);
    expect(await bridge.line()).toMatch(/^bridging /);
    await using near = await Client.connect({ url: open.url });
    await using station = await Client.connect({ url, auth: { token: 'of-the-station' } });
    const heard = new Promise((resolve) => void near.subscribe('weather/*', ({ body }) => resolve(body)));
    await near.flush();
    await station.publish('weather/now', 'sun', { persist: true });
    expect(await within(heard, 'a message across the bridge', 10_000)).toBe('sun');
    expect(await bridge.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
    for (const login of [[], ['--token-file2', at('wrong')], ['--user2', 'viewer', '--password-file2', at('wrong')]]) {
      const { code, stderr } = await run('spoke-bridge', [...sides, ...login]);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/log in|login is not right/) });
    }
  });

  test('a proxy logs in to the private broker, and needs no more than to read what it shows', async () => {
    const [url = ''] = (await closed()).urls;
    const args = ['--public-url', 'tcp://127.0.0.1:0', '--private-url', url, '--json', 'weather/**'];
    const login = ['--private-user', 'viewer', '--private-password-file'];
    const proxy = start('spoke-proxy', [...args, ...login, at('password')]);
    const { urls } = JSON.parse(await proxy.line()) as { urls: string[] };
    await using visitor = await Client.connect({ url: urls[0] ?? '' });
    const heard = new Promise((resolve) => void visitor.subscribe('weather/*', ({ body }) => resolve(body)));
    await visitor.flush();
    await using station = await Client.connect({ url, auth: { token: 'of-the-station' } });
    await station.publish('weather/now', 'sun', { persist: true });
    expect(await within(heard, 'a message through the proxy', 10_000)).toBe('sun');
    const cannot = await run('spoke-proxy', [...args, ...login, at('wrong')]);
    expect(cannot).toMatchObject({ code: 1, stderr: expect.stringContaining('login is not right') });
  });

  test.each([
    ['spoke-bridge', ['--url1', 'tcp://a:b@c'], '--url1: a password in an argument', '--user1 and --password-file1'],
    ['spoke-bridge', ['--user2', 'a'], '--user2 needs --password-file2', ''],
    ['spoke-bridge', ['--token-file1', 'x', '--user1', 'a'], '--token-file1 says it all', 'leave --user1'],
    ['spoke-bridge', ['--token-file1', '/nowhere'], '--token-file1: cannot read /nowhere', ''],
    [
      'spoke-proxy',
      ['--public-port', '0', '--private-password-file', 'x', 'y'],
      '--private-password-file needs --private-user',
      '',
    ],
    [
      'spoke-proxy',
      ['--public-port', '0', '--private-url', 'tcp://a:b@c', 'y'],
      '--private-url: a password',
      '--private-user',
    ],
  ] as const)('%s %j is refused with a word on what to do', async (name, args, text, more) => {
    const { code, stderr } = await run(name, args, { SPOKE_PASSWORD: PASSWORD });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(text) });
    expect(stderr).toContain(more);
  });
});

(process.platform === 'linux' ? test : test.skip)(
  'no secret is in the arguments of any process of ours, nor in what it prints',
  async () => {
    const users = { alice: { password: hash, token: hashToken(TOKEN), allow: 'all' } };
    const { server, urls } = await configured({ listen: ['tcp://127.0.0.1:0'], users, log: { level: 'debug' } });
    const [url = ''] = urls;
    const logins = [
      ['--user', 'alice', '--password-file', at('password')],
      ['--token-file', at('token')],
    ];
    const running = logins.map((login) => start('spoke-echo', ['--url', url, '--label', 'l', ...login, 'x']));
    const bridge = start('spoke-bridge', ['--url1', url, '--token-file1', at('token'), '--url2', url]);
    await using client = await Client.connect({ url, auth: { token: TOKEN } });
    await client.publish('x', 1, { persist: true });
    for (const echo of running) expect(await echo.line()).toContain('x: 1');
    const processes = [server, ...running, bridge].map(({ child }) => String(child.pid));
    const lines: string[] = [];
    for (const pid of (await readdir('/proc')).filter((name) => processes.includes(name))) {
      lines.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
    }
    expect(lines.length).toBeGreaterThanOrEqual(3);
    const ended = [bridge, ...running, server].map(async (one) => {
      one.child.kill('SIGTERM');
      return one.ended();
    });
    const printed = await Promise.all(ended);
    expect(printed.at(-1)?.stderr).toContain('"level":"debug"');
    const all = [...lines, ...printed.flatMap(({ stdout, stderr }) => [stdout, stderr])].join('\n');
    for (const secret of [PASSWORD, 'horse', TOKEN, hash, hashToken(TOKEN)]) expect(all).not.toContain(secret);
  },
);

test('SIGHUP without --config says that there is nothing to read again, and the server goes on', async () => {
  const { server, url } = await startServer();
  server.child.kill('SIGHUP');
  await noted(server, 'started without --config');
  expect(await run('spoke-publish', ['--url', url, 'x', '1'])).toMatchObject({ code: 0 });
});

test('SIGHUP lets other limits hold at once, and names what needs a restart', async () => {
  const listen = ['tcp://127.0.0.1:0'];
  const { server, urls } = await configured({ listen, anonymous: { allow: 'all' } });
  await using client = await Client.connect({ url: urls[0] ?? '' });
  await client.publish('a/b/c/d/e/f', 1, { ack: true });
  const limits = { channelDepth: 5, connectTimeout: 5000 };
  const changed = { log: { level: 'info' }, listen, anonymous: { allow: 'all' }, limits, store: 'elsewhere' };
  await writeFile(at('spoke.json'), JSON.stringify(changed));
  server.child.kill('SIGHUP');
  await noted(server, 'limits.connectTimeout needs a restart');
  await noted(server, 'store: another one needs a restart');
  await noted(server, 'was read again');
  await expect(client.publish('a/b/c/d/e/f', 1, { ack: true })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});
