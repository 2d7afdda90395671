/** spoke-publish, as a process, with a broker in this one. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { Broker, Client } from '../../../src/index.js';
import type { BrokerOptions } from '../../../src/index.js';
import { endAll, freePort, run, start, startServer } from './commands.js';

let broker: Broker;
let url: string;

jest.setTimeout(60_000);

async function startBroker(options: BrokerOptions = {}): Promise<void> {
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', ...options });
  [url = ''] = broker.addresses;
}

beforeEach(async () => startBroker());

afterEach(async () => {
  await endAll();
  await broker.close();
});

/** What was published by a command line on `a/b`. */
async function received(args: readonly string[]) {
  await using client = await Client.connect(url);
  const subscription = await client.subscribe('a/b');
  const iterator = subscription[Symbol.asyncIterator]();
  const ended = await run('spoke-publish', ['--url', url, ...args]);
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
  const { value: message } = await iterator.next();
  return { body: message?.body, persist: message?.persist };
}

/** A broker that accepts connections and does not answer. */
async function withSilentServer<T>(use: (silent: string, server: Server) => Promise<T>): Promise<T> {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  } finally {
    server.close();
  }
}

describe('spoke-publish publishes', () => {
  test.each([
    ['21.5', 21.5],
    ['-5', -5],
    ['"text"', 'text'],
    ['{"x": [1, null, true], "ü": "\\u00fc"}', { x: [1, null, true], ü: 'ü' }],
    [' null ', null],
  ])('%s as a body', async (text, body) => {
    expect(await received(['a/b', text])).toEqual({ body, persist: false });
  });

  test('null without a body', async () => {
    expect(await received(['a/b'])).toEqual({ body: null, persist: false });
  });

  test('a persistent message with -p, which is kept when the command has ended', async () => {
    expect(await received(['-p', 'a/b', '1'])).toEqual({ body: 1, persist: true });
    expect(await run('spoke-publish', ['--url', url, 'a/c', '1', '--persist'])).toMatchObject({ code: 0 });
    expect(broker.stats.kept.messages).toBe(2);
  });

  test('before it ends: whoever subscribes afterwards finds what was kept', async () => {
    for (const number of [1, 2, 3]) {
      await run('spoke-publish', ['--url', url, '-p', 'a', String(number)]);
      await using client = await Client.connect(url);
      for await (const message of client.messages('a')) {
        expect(message.body).toBe(number);
        break;
      }
    }
  });

  test('on a channel that begins with a dash, after --', async () => {
    await using client = await Client.connect(url);
    const subscription = await client.subscribe('-robot');
    expect(await run('spoke-publish', ['--url', url, '--', '-robot', '-1'])).toMatchObject({ code: 0 });
    for await (const message of subscription) {
      expect(message.body).toBe(-1);
      break;
    }
  });

  test('nothing but that message: a monitor on ** sees one', async () => {
    await using client = await Client.connect(url);
    const seen: string[] = [];
    await client.subscribe('**', (message) => seen.push(message.channel), { bounce: false });
    await run('spoke-publish', ['--url', url, 'a']);
    await client.flush();
    expect(seen).toEqual(['a']);
  });

  test('to where SPOKEHOST and SPOKEPORT say', async () => {
    const [, host = '', port = ''] = /^tcp:\/\/(.*):(\d+)$/.exec(url) ?? [];
    const environment = { SPOKEHOST: host, SPOKEPORT: port };
    expect(await run('spoke-publish', ['-p', 'a', '1'], environment)).toMatchObject({ code: 0 });
    expect(broker.stats.kept.messages).toBe(1);
  });

  test('and says what, as a JSON object, with --json', async () => {
    const { code, stdout } = await run('spoke-publish', ['--json', '--url', url, 'a', '{"x": 1}', '-p']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ channel: 'a', body: { x: 1 }, persist: true });
  });
});

describe('without a broker', () => {
  test('it ends at once, with exit code 1 and what to do', async () => {
    const port = await freePort();
    expect(await run('spoke-publish', ['a', '1'], { SPOKEPORT: String(port) })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `spoke-publish: no broker at tcp://localhost:${port} (connection refused); is one running? ` +
        `try: spoke-server --listen tcp://:${port}\n`,
    });
  });

  test('it says so as a JSON object with --json', async () => {
    const { code, stdout, stderr } = await run('spoke-publish', ['--json', '--url', `tcp://:${await freePort()}`, 'a']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'CONNECT_FAILED', message: expect.stringContaining('is one running? try: spoke-server') },
    });
  });

  test('it waits for one with -t', async () => {
    await broker.close();
    const command = start('spoke-publish', ['--url', url, '-t', '30', '-p', 'a', '1']);
    broker = await Broker.start({ listen: url });
    expect(await command.ended()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(broker.stats.kept.messages).toBe(1);
  });

  test('it waits no longer than -t says', async () => {
    const port = await freePort();
    expect(await run('spoke-publish', ['-t', '0.2', 'a'], { SPOKEPORT: String(port) })).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          `^spoke-publish: 0\\.2 s have passed: no broker at tcp://localhost:${port} .*try: spoke-server.*\\n$`,
        ),
      ),
    });
  });
});

describe('with a broker that does not answer', () => {
  test('-t bounds the waiting', async () => {
    await withSilentServer(async (silent) => {
      expect(await run('spoke-publish', ['--url', silent, '-t', '0.5', 'a'])).toEqual({
        code: 1,
        stdout: '',
        stderr: `spoke-publish: 0.5 s have passed: ${silent} did not confirm the message\n`,
      });
    });
  });

  test('-t bounds it also when the broker stands still', async () => {
    const { server, url: frozen } = await startServer();
    server.child.kill('SIGSTOP');
    expect(await run('spoke-publish', ['--url', frozen, '-t', '0.5', 'a'])).toMatchObject({
      code: 1,
      stderr: `spoke-publish: 0.5 s have passed: ${frozen} did not confirm the message\n`,
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it, with exit code %i and nothing said', async (signal, code) => {
    await withSilentServer(async (silent, server) => {
      const connected = once(server, 'connection');
      const command = start('spoke-publish', ['--url', silent, 'a']);
      await connected;
      expect(await command.signal(signal)).toEqual({ code, stdout: '', stderr: '' });
    });
  });

  test.each([[[]], [['-t', '30']]])('and goes, it is said that the message may be lost (%j)', async (args) => {
    await withSilentServer(async (silent, server) => {
      server.on('connection', (socket) => socket.on('data', () => socket.destroy()));
      const { code, stdout, stderr } = await run('spoke-publish', ['--url', silent, 'a', ...args]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toBe(`spoke-publish: the connection to ${silent} was lost; the message may have been published\n`);
    });
  });
});

test('-p with -t survives the end of a broker: it is published again on the next one', async () => {
  await withSilentServer(async (silent, server) => {
    server.on('connection', (socket) => socket.once('data', () => server.close(() => {}) && socket.destroy()));
    const closed = once(server, 'close');
    const command = start('spoke-publish', ['--url', silent, '-t', '15', '-p', 'a/b', '7']);
    await closed;
    const late = await Broker.start({ listen: silent });
    expect(await command.ended()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(late.stats).toMatchObject({ kept: { messages: 1 } });
    await late.close();
  });
});

test('a message that the broker refuses is an error, with the reason', async () => {
  await broker.close();
  await startBroker({
    authenticator: { authenticate: () => ({ name: 'guest' }) },
    authorizer: { allows: (_who, _action, target) => target !== 'secret' },
  });
  const { code, stdout, stderr } = await run('spoke-publish', ['--url', url, 'secret', '1']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^spoke-publish: .*guest may not publish secret\n$/);
});

describe('a wrong argument is refused with one line and exit code 2, and nothing is published', () => {
  test.each([
    [['a', 'hello'], /the body is not JSON: hello; a text needs double quotes, as in '"hello"'/],
    [['a', "{'x': 1}"], /the body is not JSON: \{'x': 1\}; keys and texts need double quotes/],
    [['a', 'NaN'], /the body is not JSON: NaN; JSON has no such number/],
    [['a', 'True'], /the body is not JSON: True; JSON has true, false and null/],
    [['a', ''], /the body is not JSON: ; leave it out for null/],
    [['a', '{"x":', '1}'], /too many arguments.*; put the body in quotes/],
    [['a', '1', '-t', 'soon'], /--timeout takes a number of seconds above 0, such as 1 or 0\.5, not soon/],
    [['a', '1', '-t', '0'], /--timeout takes .* not 0/],
    [['a', '1', '-t', '-1'], /--timeout takes .* not -1/],
    [['a', '1', '-t'], /option '-t, --timeout <seconds>' argument missing/],
    [['a', '1', '--presist'], /unknown option '--presist' \(Did you mean --persist\?\)/],
    [[], /missing required argument 'channel'; see spoke-publish --help/],
  ])('%j', async (args, text) => {
    const { code, stdout, stderr } = await run('spoke-publish', ['--url', url, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^spoke-publish: .*\n$/);
    expect(stderr).toMatch(text);
    expect(broker.stats.received).toBe(0);
  });

  test('as a JSON object with --json', async () => {
    const { code, stderr } = await run('spoke-publish', ['a', 'hello', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'USAGE', message: expect.stringContaining('not JSON') } });
  });
});
