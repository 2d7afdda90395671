/** spoke-bridge and spoke-proxy, as processes. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';

import { Client } from '../../../src/index.js';
import { Collector } from '../../support/collector.js';
import { IndependentClient, IndependentServer, unacceptable } from '../../support/independent-peer/index.js';
import type { RunningCommand } from './commands.js';
import { endAll, freePort, run, start, startServer } from './commands.js';

jest.setTimeout(60_000);
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await endAll();
});

async function client(url: string): Promise<Client> {
  const made = await Client.connect({ url, timeout: 20_000 });
  ends.push(() => made.close());
  return made;
}

async function bridge(...args: string[]): Promise<RunningCommand> {
  const command = start('spoke-bridge', args);
  expect(await command.line()).toMatch(/^bridging /);
  return command;
}

/** What one side wants is known on the other a moment later: a call before that finds no provider. */
async function untilAnswered(caller: Client, name: string, argument: unknown): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await caller.call(name, argument, { timeout: 1000 });
    } catch (error) {
      if (attempt === 20) throw error;
    }
  }
}

const portOf = (url: string): string => new URL(url).port;

describe('spoke-bridge', () => {
  test('joins two brokers of ours, by their ports, and ends on SIGTERM with exit code 0', async () => {
    const [one, two] = [await startServer(), await startServer()];
    const bridged = await bridge('--port1', portOf(one.url), '--host2', '127.0.0.1', '--port2', portOf(two.url));
    const [a, b] = [await client(one.url), await client(two.url)];
    await b.provide('math/square', (x: number) => x * x);
    expect(await untilAnswered(a, 'math/square', 7)).toBe(49);
    await a.publish('x/kept', 1, { persist: true });
    const heard = new Collector<unknown>();
    await b.subscribe('x/**', ({ body }) => heard.add(body));
    expect(await heard.next()).toBe(1);
    expect(await bridged.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  });

  test('joins a broker of the peers with one of ours that comes later, and says so', async () => {
    const server = await IndependentServer.start();
    ends.push(() => server.close());
    const peer = await IndependentClient.connect(server.port);
    ends.push(() => peer.close());
    await peer.publish('x/kept', 'theirs', { persist: true });
    const port = await freePort();
    const command = start('spoke-bridge', ['--url1', server.url, '--url2', `tcp://127.0.0.1:${port}`]);
    expect(await command.note()).toMatch(/^spoke-bridge: no broker at .*; trying again until there is one$/);
    const { url } = await startServer(['--listen', `tcp://127.0.0.1:${port}`]);
    expect(await command.note()).toBe(`spoke-bridge: connected to tcp://127.0.0.1:${port}`);
    expect(await command.line()).toBe(`bridging ${server.url} and tcp://127.0.0.1:${port}`);
    const ours = await client(url);
    const heard = new Collector<unknown>();
    await ours.subscribe('x/*', ({ body }) => heard.add(body));
    await ours.flush();
    await peer.publish('x/live', 'theirs, live');
    expect(await heard.take(2)).toEqual(['theirs', 'theirs, live']);
    await peer.subscribe('y');
    await peer.roundTrip();
    await ours.publish('y', 'ours');
    await peer.until(() => peer.delivered.some(({ body }) => body === 'ours'), 'a message of ours');
    expect(unacceptable(server, ['x/**', 'y', 'test/**', '-control/probe/**'])).toEqual([]);
  });

  test('filters, renames, and reports as JSON', async () => {
    const [one, two] = [await startServer(), await startServer()];
    const args = ['--url1', one.url, '--url2', two.url, '--include1', 'robots/**', '--map', 'robots/7=', '--json'];
    const command = start('spoke-bridge', [...args, '--status', '0.2']);
    const lines: { state: string; side2: { forwarded: number } }[] = [];
    const next = async () => {
      lines.push(JSON.parse(await command.line()));
      return lines.at(-1);
    };
    while ((await next())?.state !== 'connected');
    const [a, b] = [await client(one.url), await client(two.url)];
    const heard = new Collector<string>();
    await b.subscribe('**', ({ channel }) => heard.add(channel), { bounce: false });
    await b.flush();
    // Until the bridge has asked for it.
    let n = 0;
    while (heard.items.length === 0) {
      await a.publish('other', n++);
      await a.publish('robots/7/pose', n++);
      await next();
    }
    expect(new Set(heard.items)).toEqual(new Set(['pose']));
    while ((await next())?.side2.forwarded === 0);
    expect(lines.at(-1)).toMatchObject({
      state: 'connected',
      side1: { url: one.url, connected: true, bridging: true },
      side2: { url: two.url, connected: true, bridging: true, dropped: 0, lag: 0 },
    });
    expect(await command.signal('SIGINT')).toMatchObject({ code: 0 });
  });

  test('refuses to bridge a broker to itself, whatever it is called, with exit code 1', async () => {
    const { url } = await startServer(['--listen', 'tcp://127.0.0.1:0', '--listen', 'ws://127.0.0.1:0']);
    expect(await run('spoke-bridge', [])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'spoke-bridge: tcp://127.0.0.1:7181 and tcp://127.0.0.1:7181 are the same broker: there is nothing to bridge\n',
    });
    const same = await run('spoke-bridge', ['--url1', url, '--url2', url.replace('127.0.0.1', 'localhost')]);
    expect(same).toMatchObject({ code: 1, stderr: expect.stringContaining('are the same broker') });
    const server = await IndependentServer.start();
    ends.push(() => server.close());
    const theirs = ['--port1', String(server.port), '--host2', 'localhost', '--port2', String(server.port)];
    expect(await run('spoke-bridge', [...theirs, '--json'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"code":"SAME_BROKER"'),
    });
  });

  test.each([
    [['--url1', 'tcp://a', '--port1', '1'], '--url1 says it all: leave --host1 and --port1 out'],
    [['--port2', 'x'], '--port2 takes a number, such as 7181, not x'],
    [['--port2', '7191', '--map', 'a/*=b'], '--map takes two prefixes'],
    [['--port2', '7191', '--status', '0'], '--status takes a number of seconds above 0'],
    [['--port2', '7191', '--codec1', 'xml'], "there is no codec 'xml'"],
    [['--url2', 'carrier://pigeon'], 'carrier'],
  ])('answers %j with one line and exit code 2', async (args, text) => {
    const { code, stdout, stderr } = await run('spoke-bridge', args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^spoke-bridge: .*\n$/);
    expect(stderr).toContain(text);
  });
});

describe('spoke-proxy', () => {
  test('shows the listed channels to clients of any transport, who cannot publish', async () => {
    const server = await startServer();
    const inside = await client(server.url);
    await inside.publish('weather/now', 'sun', { persist: true });
    await inside.publish('secret', 'hidden', { persist: true });
    const args = [
      '--private-port',
      portOf(server.url),
      '--public-url',
      'tcp://127.0.0.1:0',
      '--public-url',
      'ws://127.0.0.1:0',
    ];
    const proxy = start('spoke-proxy', [...args, '--json', 'weather/**', 'weather/now']);
    const { urls } = JSON.parse(await proxy.line()) as { urls: string[] };
    for (const url of urls) {
      const visitor = await client(url);
      const heard = new Collector<unknown>();
      await visitor.subscribe('**', ({ channel, body }) => heard.add([channel, body]));
      expect(await heard.next()).toEqual(['weather/now', 'sun']);
      await expect(visitor.publish('weather/now', 'hail', { persist: true })).rejects.toMatchObject({
        code: 'FORBIDDEN',
      });
      expect(heard.rest).toEqual([]);
      await visitor.close();
    }
    expect(await proxy.signal('SIGINT')).toMatchObject({ code: 0 });
  });

  test('shows a broker of the peers to their clients, by the peers’ arguments', async () => {
    const server = await IndependentServer.start();
    ends.push(() => server.close());
    const inside = await IndependentClient.connect(server.port);
    ends.push(() => inside.close());
    await inside.publish('a/kept', 1, { persist: true });
    await inside.publish('b/kept', 2, { persist: true });
    const port = await freePort();
    const args = ['--public-host', '127.0.0.1', '--public-port', String(port), '--private-host', '127.0.0.1'];
    const proxy = start('spoke-proxy', [...args, '--private-port', String(server.port), 'a/**']);
    expect(await proxy.line()).toBe(`showing a/** on tcp://127.0.0.1:${port}`);
    const visitor = await IndependentClient.connect(port);
    ends.push(() => visitor.close());
    await visitor.subscribe('**');
    await visitor.until(() => visitor.delivered.some(({ body }) => body === 1), 'what is kept');
    await visitor.publish('a/kept', 'not heard', { persist: true });
    await inside.publish('b/live', 3);
    await inside.publish('a/live', 4);
    await visitor.until(() => visitor.delivered.some(({ body }) => body === 4), 'a live message');
    expect(visitor.delivered.map(({ channel }) => channel)).toEqual(['a/kept', 'a/live']);
    expect(visitor.complaints).toEqual([]);
    expect(unacceptable(server, ['a/**', 'b/**', 'test/**'])).toEqual([]);
    expect(await proxy.signal('SIGTERM')).toMatchObject({ code: 0 });
  });

  test.each([
    [['x'], 'where may it be seen? --public-port 7191, or --public-url ws://:7182', 2],
    [['--public-port', '7191'], "missing required argument 'channel'", 2],
    [['--public-port', '7191', '--public-url', 'ws://:0', 'x'], '--public-url says it all', 2],
    [['--public-port', 'http', 'x'], '--public-port takes a number', 2],
  ])('answers %j with one line and exit code %3$i', async (args, text, expected) => {
    const { code, stdout, stderr } = await run('spoke-proxy', args);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(/^spoke-proxy: .*\n$/);
    expect(stderr).toContain(text);
  });

  test('says when its port is taken, with exit code 1', async () => {
    const server = await startServer();
    const taken = [
      '--private-port',
      portOf(server.url),
      '--public-host',
      '127.0.0.1',
      '--public-port',
      portOf(server.url),
    ];
    expect(await run('spoke-proxy', [...taken, 'x'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^spoke-proxy: .*\n$/),
    });
  });
});
