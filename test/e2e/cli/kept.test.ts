/** spoke-kept, as a process, with a broker in this one. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import type { BrokerOptions } from '../../../src/index.js';
import { Broker, Client } from '../../../src/index.js';
import { IndependentServer } from '../../support/independent-peer/index.js';
import { endAll, run } from './commands.js';

let broker: Broker;
let url: string;

jest.setTimeout(60_000);

async function startBroker(options: BrokerOptions = {}): Promise<void> {
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0', ...options });
  [url = ''] = broker.addresses;
}

beforeEach(async () => {
  await startBroker();
  await using client = await Client.connect(url);
  for (const channel of ['b', 'a/2', 'a/1']) await client.publish(channel, { of: channel }, { persist: true, time: 5 });
});
afterEach(async () => {
  await endAll();
  await broker.close();
});

const kept = async (...args: readonly string[]) => run('spoke-kept', ['--url', url, ...args]);

describe('spoke-kept ls', () => {
  test('lists everything, or what a pattern matches, in the order of channels', async () => {
    const all = await kept('ls');
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout.split('\n')).toEqual([
      expect.stringMatching(/^a\/1 {2}1970-01-01T00:00:05\.000Z {2}\d+ bytes$/),
      expect.stringMatching(/^a\/2 /),
      expect.stringMatching(/^b /),
      '',
    ]);
    expect((await kept('ls', 'a/*')).stdout.split('\n')).toHaveLength(3);
    expect(await kept('ls', 'none')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('prints objects with --json, before or after the word', async () => {
    await using client = await Client.connect(url);
    await client.kept.set('a/1', 1, { time: 1e9, ttl: 1e13 });
    for (const args of [
      ['ls', 'a/1', '--json'],
      ['--json', 'ls', 'a/1'],
    ]) {
      const { stdout } = await kept(...args);
      expect(JSON.parse(stdout)).toEqual({ channel: 'a/1', time: 1e9, bytes: expect.any(Number), expires: 11e9 });
    }
  });
});

describe('spoke-kept get', () => {
  test('prints channels and bodies', async () => {
    expect(await kept('get', 'a/*')).toEqual({
      code: 0,
      stdout: 'a/2: {"of":"a/2"}\na/1: {"of":"a/1"}\n',
      stderr: '',
    });
    expect(JSON.parse((await kept('get', 'b', '--json')).stdout)).toEqual({ channel: 'b', body: { of: 'b' }, time: 5 });
  });

  test('fails when there is nothing', async () => {
    expect(await kept('get', 'none')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'spoke-kept: nothing is kept on none\n',
    });
    expect(JSON.parse((await kept('get', 'none', '--json')).stderr)).toMatchObject({ error: { code: 'NOTHING' } });
  });
});

describe('spoke-kept rm', () => {
  test('removes one or many, and says how many', async () => {
    expect(await kept('rm', 'a/1')).toEqual({ code: 0, stdout: '1 removed\n', stderr: '' });
    expect(JSON.parse((await kept('rm', '--json', '**')).stdout)).toEqual({ cleared: 2 });
    expect(await kept('rm', '**')).toMatchObject({ code: 0, stdout: '0 removed\n' });
    expect(broker.stats.kept.messages).toBe(0);
  });

  test('prints what it would remove with --dry-run, and removes nothing', async () => {
    const { code, stdout } = await kept('rm', '--dry-run', 'a/*');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^a\/1 .*\na\/2 .*\n$/);
    expect(broker.stats.kept.messages).toBe(3);
  });

  test('needs a pattern', async () => {
    expect(await kept('rm')).toMatchObject({ code: 2, stderr: expect.stringContaining("argument 'pattern'") });
  });

  test('says why it may not', async () => {
    await broker.close();
    await startBroker({ authorizer: { allows: (_, action) => action === 'subscribe' } });
    await using client = await Client.connect(url);
    await client.flush();
    expect(await kept('rm', 'x', '--json')).toMatchObject({ code: 0 });
    expect(await kept('set', 'x', '1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('may not publish x'),
    });
  });
});

describe('spoke-kept set', () => {
  test('keeps a message, for a time if that is wanted', async () => {
    expect(await kept('set', 'n', '{"x": 1}')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await kept('set', 'm', '--ttl', '0.2', '--json')).toEqual({
      code: 0,
      stdout: '{"channel":"m","body":null,"ttl":0.2}\n',
      stderr: '',
    });
    await using client = await Client.connect(url);
    expect(await client.kept.get('n')).toMatchObject({ body: { x: 1 } });
    await new Promise<void>((resolve) => void client.subscribe('m', undefined, { cleared: () => resolve() }));
    expect(await client.kept.get('m')).toBeUndefined();
  });

  test('only checks its arguments with --dry-run', async () => {
    expect(await kept('set', '--dry-run', '/n/', '{"x": 1}')).toEqual({ code: 0, stdout: 'n: {"x":1}\n', stderr: '' });
    expect(broker.stats.kept.messages).toBe(3);
  });

  test.each([
    [['set', 'a/*', '1'], /is a pattern/],
    [['set', 'a', 'hello'], /not JSON/],
    [['set', 'a', '1', '--ttl', 'soon'], /--ttl takes a number of seconds/],
    [['set'], /missing required argument 'channel'/],
    [[], /say what to do: ls, get, rm or set/],
    [['remove', 'a', 'b'], /there is no remove: ls, get, rm or set/],
    [['ls', '--dry-run'], /unknown option '--dry-run'/],
  ])('%j is wrong usage', async (args, text) => {
    const { code, stdout, stderr } = await kept(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(text);
  });
});

test('with a broker of the peers it lists and reads, and says that it cannot remove', async () => {
  await using peers = {
    server: await IndependentServer.start(),
    async [Symbol.asyncDispose]() {
      await this.server.close();
    },
  };
  const theirs = `tcp://127.0.0.1:${peers.server.port}`;
  const at = async (...args: readonly string[]) => run('spoke-kept', ['--url', theirs, ...args]);
  expect(await at('set', 'a', '5')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await at('get', 'a')).toEqual({ code: 0, stdout: 'a: 5\n', stderr: '' });
  expect(await at('ls')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^a {2}\S+ {2}-\n$/) });
  expect(await at('rm', 'a')).toMatchObject({ code: 1, stderr: expect.stringContaining('does not offer this') });
});
