/** spoke-echo, as a process, with a broker in this one. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { Broker, Client } from '../../../src/index.js';
import type { BrokerOptions } from '../../../src/index.js';
import type { RunningCommand } from './commands.js';
import { endAll, freePort, run, start } from './commands.js';

let broker: Broker;
let url: string;
let client: Client;
/** Sees who subscribes. */
let watcher: Client;

jest.setTimeout(60_000);

async function startBroker(options: BrokerOptions = {}): Promise<void> {
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', ...options });
  [url = ''] = broker.addresses;
  client = await Client.connect(url);
  watcher = await Client.connect(url);
}

async function stopBroker(): Promise<void> {
  await client.close();
  await watcher.close();
  await broker.close();
}

beforeEach(async () => startBroker());

afterEach(async () => {
  await endAll();
  await stopBroker();
});

/** Starts spoke-echo and waits until the broker has its subscriptions. */
async function startEcho(args: readonly string[] = []): Promise<RunningCommand> {
  const missing = new Set(args.includes('--') ? args.slice(args.indexOf('--') + 1) : ['**']);
  const watching = await watcher.subscribe('-control/subscribe', undefined, { bounce: false });
  const command = start('spoke-echo', ['--url', url, ...args]);
  for await (const { body } of watching) {
    missing.delete(String(body));
    if (missing.size === 0) break;
  }
  return command;
}

describe('spoke-echo prints', () => {
  test('channel and body, as JSON, of every message', async () => {
    const echo = await startEcho();
    const bodies = [null, true, 0, -1.5, 1e21, 'text "quoted"', 'žluť\n', [], [1, [2]], {}, { a: { b: null } }];
    for (const [index, body] of bodies.entries()) await client.publish(`a/${index}`, body);
    for (const [index, body] of bodies.entries()) {
      expect(await echo.line()).toBe(`a/${index}: ${JSON.stringify(body)}`);
    }
  });

  test('without a channel all of them: what others subscribe to as well, but not its own subscription', async () => {
    const echo = await startEcho();
    await client.subscribe('other');
    await client.publish('a', 1);
    expect(await echo.line()).toBe('-control/subscribe: "other"');
    expect(await echo.line()).toBe('a: 1');
    expect((await echo.signal('SIGTERM')).stdout).toBe('-control/subscribe: "other"\na: 1\n');
  });

  test('only the channels it was given, a message of several of them once', async () => {
    const echo = await startEcho(['--', 'a/*', 'a/**', 'b', 'b']);
    for (const channel of ['a/1', 'c', 'b', 'a']) await client.publish(channel, channel);
    expect(await echo.line()).toBe('a/1: "a/1"');
    expect(await echo.line()).toBe('b: "b"');
    expect(await echo.line()).toBe('a: "a"');
    expect((await echo.signal('SIGTERM')).stdout).toBe('a/1: "a/1"\nb: "b"\na: "a"\n');
  });

  test('channels that begin with a dash, given after --', async () => {
    const echo = await startEcho(['--', '-control/unsubscribe']);
    await (await client.subscribe('x')).unsubscribe();
    expect(await echo.line()).toBe('-control/unsubscribe: "x"');
  });

  test('kept messages first', async () => {
    await client.publish('a', 'kept', { persist: true });
    await client.flush();
    const echo = start('spoke-echo', ['--url', url, 'a']);
    expect(await echo.line()).toBe('a: "kept"');
  });

  test('a label before each line with -l', async () => {
    const echo = await startEcho(['-lnight', '--', 'a']);
    await client.publish('a', 1);
    expect(await echo.line()).toBe('[night] a: 1');
  });

  test('head and body with -v', async () => {
    const echo = await startEcho(['-v', '-l', 'night', '--', 'a']);
    await client.publish('a', 1, { time: 1.5, head: { from: 'me' } });
    const line = await echo.line();
    expect(line).toMatch(/^\[night\] \{/);
    expect(JSON.parse(line.slice('[night] '.length))).toEqual({
      head: { channel: 'a', from: 'me', time: 1.5 },
      body: 1,
    });
  });

  test('one JSON object a line with --json', async () => {
    const echo = await startEcho(['--json', '--label', 'night', '--', 'a']);
    await client.publish('a', { x: 1 }, { time: 1.5, persist: true });
    expect(JSON.parse(await echo.line())).toEqual({
      label: 'night',
      channel: 'a',
      body: { x: 1 },
      time: 1.5,
      head: { channel: 'a', persist: true, time: 1.5 },
    });
  });

  test('control characters as text: a message cannot paint the terminal or fake a line', async () => {
    const echo = await startEcho();
    await client.publish('a\u001b[2J\nfake: 1', 'b\u009b1m\u007f\n');
    const line = await echo.line();
    expect(line).toBe('a\\u001b[2J\\u000afake: 1: "b\\u009b1m\\u007f\\n"');
  });
});

describe('with -f it ends after one message, with exit code 0', () => {
  test('the next one', async () => {
    const echo = await startEcho(['-f', '--', 'a']);
    for (let i = 0; i < 100; i++) await client.publish('a', i);
    expect(await echo.ended()).toEqual({ code: 0, stdout: 'a: 0\n', stderr: '' });
  });

  test('or the kept one', async () => {
    await client.publish('a', 'kept', { persist: true });
    await client.flush();
    expect(await run('spoke-echo', ['--url', url, '--first', 'a'])).toEqual({
      code: 0,
      stdout: 'a: "kept"\n',
      stderr: '',
    });
  });
});

describe('with -o', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spoke-echo-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  test('the same lines are in the file, each as soon as it was printed', async () => {
    const file = join(folder, 'out.txt');
    await writeFile(file, 'of an earlier run');
    const echo = await startEcho(['-o', file, '-l', 'x', '--', '**']);
    await client.publish('a', 'ü');
    expect(await echo.line()).toBe('[x] a: "ü"');
    await client.publish('b', 2);
    await echo.line();
    const { code, stdout } = await echo.signal('SIGTERM');
    expect(code).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(stdout);
  });

  test.each([
    ['a folder', '', /cannot write to .*: it is a folder \(EISDIR\)/],
    [
      'a path without its folder',
      'none/out.txt',
      /cannot write to .*none\/out\.txt: there is no such folder \(ENOENT\)/,
    ],
  ])('%s ends it at once with exit code 1 and one line', async (_what, path, text) => {
    const { code, stdout, stderr } = await run('spoke-echo', ['--url', url, '-o', join(folder, path)]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^spoke-echo: .*\n$/);
    expect(stderr).toMatch(text);
  });

  test('a full disk ends it with exit code 1 and one line', async () => {
    const echo = await startEcho(['-o', '/dev/full', '--', 'a']);
    await client.publish('a', 1);
    expect(await echo.ended()).toEqual({
      code: 1,
      stdout: 'a: 1\n',
      stderr: 'spoke-echo: cannot write to /dev/full: no space is left on the device (ENOSPC)\n',
    });
  });
});

test('a full disk behind its output ends it with exit code 1 and one line', async () => {
  await client.publish('a', 1, { persist: true });
  await client.flush();
  const echo = start('spoke-echo', ['--url', url, 'a'], {}, '/dev/full');
  expect(await echo.ended()).toEqual({
    code: 1,
    stdout: '',
    stderr: 'spoke-echo: cannot write to standard output: no space is left on the device (ENOSPC)\n',
  });
});

describe('spoke-echo goes on until it is told to end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('by %s: exit code 0, nothing said', async (signal) => {
    const echo = await startEcho();
    expect(await echo.signal(signal)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('by %s while there is no broker', async (signal) => {
    const echo = start('spoke-echo', ['--url', `tcp://127.0.0.1:${await freePort()}`]);
    await echo.note();
    expect((await echo.signal(signal)).code).toBe(0);
  });

  test('by a closed output, as of `| head -1`: quietly', async () => {
    const echo = await startEcho(['--', 'a']);
    await client.publish('a', 1);
    await echo.line();
    echo.child.stdout?.destroy();
    // It learns of it by what it writes next.
    const ended = once(echo.child, 'exit');
    await client.publish('a', 2);
    expect(await ended).toEqual([0, null]);
    expect((await echo.ended()).stderr).toBe('');
  });
});

describe('without a broker', () => {
  test('it says so once, and begins when the broker comes', async () => {
    await broker.close();
    const echo = start('spoke-echo', ['--url', url, 'a']);
    expect(await echo.note()).toBe(
      `spoke-echo: no broker at ${url} (connection refused); is one running? ` +
        `try: spoke-server --listen tcp://:${url.split(':').at(-1)}; trying again until there is one`,
    );
    broker = await Broker.start({ listen: url });
    expect(await echo.note()).toBe(`spoke-echo: connected to ${url}`);
    await client.publish('a', 'later', { persist: true });
    expect(await echo.line()).toBe('a: "later"');
  });

  test('it says so when the broker goes, and goes on when it is back', async () => {
    const echo = await startEcho(['--', 'a']);
    await broker.close();
    expect(await echo.note()).toBe(
      `spoke-echo: the connection to ${url} was lost; connecting again, messages meanwhile are missed`,
    );
    broker = await Broker.start({ listen: url });
    await client.publish('a', 'back', { persist: true });
    expect(await echo.line()).toBe('a: "back"');
  });

  test('remarks are JSON objects under --json', async () => {
    await broker.close();
    const echo = start('spoke-echo', ['--json', '--url', url]);
    expect(JSON.parse(await echo.note())).toEqual({ remark: expect.stringContaining(`no broker at ${url}`) });
  });

  test('a host that cannot be found is said as well, and tried again', async () => {
    const echo = start('spoke-echo', ['--url', 'tcp://no-such-host.invalid:7181']);
    expect(await echo.note()).toMatch(/^spoke-echo: .*no-such-host\.invalid.*trying again until there is one$/);
  });
});

describe('it ends with one line', () => {
  test('and exit code 1 when the broker refuses the subscription', async () => {
    await stopBroker();
    await startBroker({
      authenticator: { authenticate: () => ({ name: 'guest' }) },
      authorizer: { allows: (_who, action, target) => action !== 'subscribe' || target !== 'secret' },
    });
    const { code, stdout, stderr } = await run('spoke-echo', ['--url', url, 'secret']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^spoke-echo: .*guest may not subscribe to secret\n$/);
  });

  test.each([
    [['--url', 'localhost'], /no scheme; did you mean tcp:\/\/localhost\?/],
    [['--codec', 'xml'], /there is no codec 'xml'; known: .*json/],
    [['--lable', 'x'], /unknown option '--lable' \(Did you mean --label\?\); see spoke-echo --help/],
    [['-o'], /option '-o, --output-path <file>' argument missing; see spoke-echo --help/],
  ])('and exit code 2 for %j', async (args, text) => {
    const { code, stdout, stderr } = await run('spoke-echo', args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^spoke-echo: .*\n$/);
    expect(stderr).toMatch(text);
  });
});

describe('SPOKEHOST and SPOKEPORT', () => {
  test('say where the broker is', async () => {
    await client.publish('a', 1, { persist: true });
    await client.flush();
    const [, host = '', port = ''] = /^tcp:\/\/(.*):(\d+)$/.exec(url) ?? [];
    const environment = { SPOKEHOST: host, SPOKEPORT: port };
    expect(await run('spoke-echo', ['-f', 'a'], environment)).toMatchObject({ code: 0, stdout: 'a: 1\n' });
  });

  test('count less than --url', async () => {
    await client.publish('a', 1, { persist: true });
    await client.flush();
    const environment = { SPOKEHOST: 'no-such-host.invalid', SPOKEPORT: '1' };
    expect(await run('spoke-echo', ['-f', 'a', '--url', url], environment)).toMatchObject({
      code: 0,
      stdout: 'a: 1\n',
    });
  });
});
