/** spoke-server, as a process. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { Client } from '../../../src/index.js';
import { endAll, freePort, run, start, startServer } from './commands.js';

jest.setTimeout(60_000);
afterEach(endAll);

describe('spoke-server says where it listens', () => {
  test('for a person, with three commands that can be run as they stand', async () => {
    const server = start('spoke-server', ['--listen', 'tcp://:0']);
    const lines: string[] = [];
    while (!lines.at(-1)?.includes('--first')) lines.push(await server.line());
    const port = /tcp:\/\/0\.0\.0\.0:(\d+)/.exec(lines[1]!)?.[1];
    expect(lines[1]).toBe(`  tcp://0.0.0.0:${port}  (from this machine: tcp://localhost:${port})`);

    const [echo, publish, first] = lines.slice(-3).map((line) => line.trim());
    expect(echo).toMatch(/spoke-echo\S* --url tcp:\/\/localhost:\d+ 'sensors\/\*\*'$/);
    const shell = promisify(execFile);
    await shell('sh', ['-c', publish!]);
    expect((await shell('sh', ['-c', first!])).stdout).toBe('sensors/kitchen/temp: 21.5\n');
  });

  test('for a program, as one JSON object', async () => {
    const server = start('spoke-server', ['--json', '--listen', 'tcp://127.0.0.1:0', '--listen', 'tcp://:0']);
    const ready: unknown = JSON.parse(await server.line());
    expect(ready).toEqual({
      addresses: [
        expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
        expect.stringMatching(/^tcp:\/\/0\.0\.0\.0:\d+$/),
      ],
      urls: [expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/), expect.stringMatching(/^tcp:\/\/localhost:\d+$/)],
      pid: server.child.pid,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });
});

test('every endpoint it was given reaches the same broker', async () => {
  const server = start('spoke-server', ['--json', '--listen', 'tcp://127.0.0.1:0', '--listen', 'tcp://127.0.0.1:0']);
  const { urls } = JSON.parse(await server.line()) as { urls: string[] };
  const [first = '', second = ''] = urls;
  await using one = await Client.connect(first);
  await using other = await Client.connect(second);
  const subscription = await other.subscribe('a');
  await one.publish('a', 1);
  for await (const message of subscription) {
    expect(message.body).toBe(1);
    break;
  }
});

test('SPOKEPORT is its port when no endpoint is given, and -r is accepted', async () => {
  const port = await freePort();
  const server = start('spoke-server', ['-r', '--json'], { SPOKEPORT: String(port) });
  expect(JSON.parse(await server.line())).toMatchObject({ addresses: [`tcp://0.0.0.0:${port}`] });
  await using client = await Client.connect(`tcp://127.0.0.1:${port}`);
  expect(client.state).toBe('connected');
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('ends it with exit code 0, clients connected or not, and nothing said', async () => {
    const { server, url } = await startServer();
    await using client = await Client.connect(url);
    await client.subscribe('**');
    const { code, stderr } = await server.signal(signal);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

test.each([[[]], [['--reuse']]])('it can be started again on its port at once (%j)', async (args) => {
  const { server, url } = await startServer();
  await using client = await Client.connect(url);
  await client.publish('before', 1, { persist: true });
  await client.flush();
  expect((await server.signal('SIGTERM')).code).toBe(0);

  const again = await startServer(['--listen', url, ...args]);
  expect(again.url).toBe(url);
  // The client of before finds it by itself.
  await client.flush();
});

describe('it tells why it cannot listen, in one line, and ends', () => {
  test('with exit code 1 when another program has the port', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `tcp://127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      expect(await run('spoke-server', ['--listen', url])).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(
          new RegExp(`^spoke-server: ${url}: another program listens on this port; .*choose another port.*\\n$`),
        ),
      });
      const { code, stderr } = await run('spoke-server', ['--json', '--listen', url]);
      expect(code).toBe(1);
      expect(JSON.parse(stderr)).toEqual({
        error: { code: 'ADDRESS_IN_USE', message: expect.stringContaining('another program listens on this port') },
      });
    } finally {
      other.close();
    }
  });

  test('also when one of several endpoints fails: the others are closed again', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const url = `tcp://127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      const { code, stdout } = await run('spoke-server', ['--listen', 'tcp://127.0.0.1:0', '--listen', url]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    } finally {
      other.close();
    }
  });

  test.each([
    ['localhost:7181', /it has no scheme; did you mean tcp:\/\/localhost:7181\?/],
    ['http://localhost:80', /no transport serves http:\/\/ \(known: tcp:\/\//],
    ['memory://home', /memory:\/\/ joins the parts of one program/],
    ['tcp://localhost:70000', /"70000" is not a port/],
  ])('with exit code 2 when %s is no endpoint', async (url, text) => {
    const { code, stdout, stderr } = await run('spoke-server', ['--listen', url]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^spoke-server: .*\n$/);
    expect(stderr).toMatch(text);
  });

  test('with exit code 2 when SPOKEPORT is no port', async () => {
    expect(await run('spoke-server', [], { SPOKEPORT: 'seven' })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'spoke-server: the environment variable SPOKEPORT is "seven": it takes a whole number from 0 to 65535\n',
    });
  });
});

describe('its log', () => {
  async function sendMalformed(url: string): Promise<void> {
    const { hostname, port } = new URL(url.replace(/^tcp/, 'http'));
    const socket = connect(Number(port), hostname);
    socket.end('{"no head": 1}\0');
    socket.resume();
    await once(socket, 'close');
  }

  test('is warnings, as JSON lines on standard error when that is no terminal', async () => {
    const { server, url } = await startServer();
    await sendMalformed(url);
    const line: unknown = JSON.parse(await server.note());
    expect(line).toMatchObject({ level: 'warn', code: 'MALFORMED', msg: expect.stringContaining('refused') });
    expect((await server.signal('SIGTERM')).code).toBe(0);
  });

  test('says more with --log-level info, and nothing with silent', async () => {
    const { server } = await startServer(['--listen', 'tcp://127.0.0.1:0', '--log-level', 'info']);
    expect(JSON.parse(await server.note())).toMatchObject({ level: 'info', msg: 'listening' });

    const silent = await startServer(['--listen', 'tcp://127.0.0.1:0', '--log-level', 'silent']);
    await sendMalformed(silent.url);
    expect(await silent.server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  });

  test('cannot have a level that there is not', async () => {
    expect(await run('spoke-server', ['--log-level', 'loud'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^spoke-server: .*'loud'.* Allowed choices are debug, info, warn, .*\n$/),
    });
  });
});

test('it goes on when nobody reads what it prints', async () => {
  const port = await freePort();
  const server = start('spoke-server', ['--listen', `tcp://127.0.0.1:${port}`]);
  server.child.stdout?.destroy();
  await using client = await Client.connect({ url: `tcp://127.0.0.1:${port}`, timeout: 20_000 });
  await client.flush();
  expect(await server.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
});
