/** spoke-call, as a process, with a broker and a provider in this one. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { Broker, Client, RpcError } from '../../../src/index.js';
import { endAll, freePort, run, start } from './commands.js';

let broker: Broker;
let provider: Client;
let url: string;

jest.setTimeout(60_000);

beforeEach(async () => {
  broker = await Broker.start({ listen: 'tcp://127.0.0.1:0' });
  [url = ''] = broker.addresses;
  provider = await Client.connect(url);
});

afterEach(async () => {
  await endAll();
  await provider.close();
  await broker.close();
});

describe('spoke-call prints the result as JSON', () => {
  test.each([
    ['7', '7'],
    ['-1.5', '-1.5'],
    ['"žluť \\"x\\""', '"žluť \\"x\\""'],
    ['{"a": [1, null]}', '{"a":[1,null]}'],
  ])('%s echoed', async (argument, result) => {
    await provider.provide('echo', (body: unknown) => body);
    expect(await run('spoke-call', ['--url', url, 'echo', argument])).toEqual({
      code: 0,
      stdout: `${result}\n`,
      stderr: '',
    });
  });

  test('of a call without an argument, which is null', async () => {
    await provider.provide('type', (body: unknown) => ({ got: body }));
    expect(await run('spoke-call', ['--url', url, 'type'])).toMatchObject({ code: 0, stdout: '{"got":null}\n' });
  });

  test('within -t as well', async () => {
    await provider.provide('math/square', (x: number) => x * x);
    expect(await run('spoke-call', ['--url', url, 'math/square', '7', '-t', '30'])).toMatchObject({ stdout: '49\n' });
  });

  test('in an object with --json', async () => {
    await provider.provide('math/square', (x: number) => x * x);
    const { stdout } = await run('spoke-call', ['--url', url, '--json', 'math/square', '7']);
    expect(JSON.parse(stdout)).toEqual({ result: 49 });
  });

  test('from where SPOKEHOST and SPOKEPORT say', async () => {
    await provider.provide('math/square', (x: number) => x * x);
    const [, host = '', port = ''] = /^tcp:\/\/(.*):(\d+)$/.exec(url) ?? [];
    const environment = { SPOKEHOST: host, SPOKEPORT: port };
    expect(await run('spoke-call', ['math/square', '3'], environment)).toMatchObject({ code: 0, stdout: '9\n' });
  });
});

describe('spoke-call --stream', () => {
  test('prints items as they come, one a line', async () => {
    await provider.provide('letters', async function* letters() {
      yield* ['a', 'b'];
    });
    expect(await run('spoke-call', ['--stream', '--url', url, 'letters'])).toEqual({
      code: 0,
      stdout: '"a"\n"b"\n',
      stderr: '',
    });
    const { stdout } = await run('spoke-call', ['-s', '--json', '--url', url, 'letters']);
    expect(stdout).toBe('{"item":"a"}\n{"item":"b"}\n');
  });

  test('prints what came before an error', async () => {
    await provider.provide('breaks', async function* breaks() {
      yield 1;
      throw new Error('out of paper');
    });
    expect(await run('spoke-call', ['--stream', '--url', url, 'breaks'])).toEqual({
      code: 1,
      stdout: '1\nError: out of paper\n',
      stderr: '',
    });
  });
});

describe('without a result it ends with exit code 1', () => {
  test('and prints Error and the text of the provider', async () => {
    await provider.provide('fail', () => {
      throw new Error('out of paper');
    });
    expect(await run('spoke-call', ['--url', url, 'fail'])).toEqual({
      code: 1,
      stdout: 'Error: out of paper\n',
      stderr: '',
    });
    const { code, stdout, stderr } = await run('spoke-call', ['--json', '--url', url, 'fail']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'REMOTE', message: 'out of paper' } });
  });

  test('and prints an error of several lines as it is, but for control characters', async () => {
    await provider.provide('fail', () => {
      throw new Error('first\n  second \u001b[31mred');
    });
    const { stdout } = await run('spoke-call', ['--url', url, 'fail']);
    expect(stdout).toBe('Error: first\n  second \\u001b[31mred\n');
  });

  test('and prints Error for an answer that is none', async () => {
    await provider.subscribe('odd/-rpc/**/call', async (message) => {
      await provider.publish(message.channel.replace(/call$/, 'result'), 'neither');
    });
    expect(await run('spoke-call', ['--url', url, 'odd'])).toEqual({
      code: 1,
      stdout: 'Error: odd answered with neither "okay" nor "error"\n',
      stderr: '',
    });
  });

  test('and prints at once that nobody provides it', async () => {
    expect(await run('spoke-call', ['--url', url, '-t', '30', 'nobody/home'])).toEqual({
      code: 1,
      stdout: 'Error: nobody provides nobody/home\n',
      stderr: '',
    });
    const { code, stdout } = await run('spoke-call', ['--json', '--url', url, 'nobody/home']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'NO_PROVIDER', message: 'nobody provides nobody/home' } });
  });

  test('and prints code and data of the provider with --json', async () => {
    await provider.provide('fail', () => {
      throw new RpcError('OUT_OF_RANGE', 'too far', { limit: 5 });
    });
    const { code, stdout } = await run('spoke-call', ['--json', '--url', url, 'fail']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'OUT_OF_RANGE', message: 'too far', data: { limit: 5 } } });
  });

  test('and prints Timeout when nobody answers in time, and why on standard error', async () => {
    await provider.subscribe('nobody/home/-rpc/**/call', () => {});
    expect(await run('spoke-call', ['--url', url, '-t', '0.3', 'nobody/home'])).toEqual({
      code: 1,
      stdout: 'Timeout\n',
      stderr: `spoke-call: 0.3 s have passed: no answer from nobody/home at ${url}; is a provider connected?\n`,
    });
    const { code, stdout, stderr } = await run('spoke-call', ['--json', '--url', url, '-t', '0.3', 'nobody/home']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'TIMEOUT', message: expect.stringContaining('no answer') } });
  });

  test('and prints Timeout when no broker came in time, and that on standard error', async () => {
    const port = await freePort();
    expect(await run('spoke-call', ['-t', '0.3', 'a'], { SPOKEPORT: String(port) })).toEqual({
      code: 1,
      stdout: 'Timeout\n',
      stderr: expect.stringMatching(
        new RegExp(`^spoke-call: 0\\.3 s have passed: no broker at tcp://localhost:${port} .*\\n$`),
      ),
    });
  });

  test('and one line, at once, when there is no broker and no -t', async () => {
    const port = await freePort();
    expect(await run('spoke-call', ['a'], { SPOKEPORT: String(port) })).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^spoke-call: no broker at tcp://localhost:${port} .*\\n$`)),
    });
  });

  test('and one line when the broker goes meanwhile', async () => {
    const called = new Promise<void>((resolve) => {
      void provider.provide('slow', async () => {
        resolve();
        return new Promise(() => {});
      });
    });
    await provider.flush();
    const command = start('spoke-call', ['--url', url, 'slow']);
    await called;
    await broker.close();
    expect(await command.ended()).toEqual({
      code: 1,
      stdout: '',
      stderr: `spoke-call: the connection to ${url} was lost; slow may have run\n`,
    });
  });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a call without an answer, with exit code %i and nothing said', async (signal, code) => {
  const called = new Promise<void>((resolve) => {
    void provider.provide('slow', async () => {
      resolve();
      return new Promise(() => {});
    });
  });
  await provider.flush();
  const command = start('spoke-call', ['--url', url, 'slow']);
  await called;
  expect(await command.signal(signal)).toEqual({ code, stdout: '', stderr: '' });
});

test.each([
  [['a/*'], /a\/\* is no procedure; name one, without wildcards/],
  [[''], /an empty text is no procedure/],
  [['a', 'text'], /the body is not JSON: text/],
  [['a', '1', '-t', 'x'], /--timeout takes a number/],
  [[], /missing required argument 'channel'/],
])('a wrong argument is refused with one line and exit code 2: %j', async (args, text) => {
  const { code, stdout, stderr } = await run('spoke-call', ['--url', url, ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^spoke-call: .*\n$/);
  expect(stderr).toMatch(text);
});
