/** spoke-bench, as a process, with a broker in this one. What it says is checked for sense; how fast that is, is not. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { Broker, Client } from '../../../src/index.js';
import { endAll, freePort, run, start } from './commands.js';

let broker: Broker;
let url: string;

jest.setTimeout(60_000);

beforeEach(async () => {
  broker = await Broker.start({ listen: ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0'] });
  [url = ''] = broker.addresses;
});

afterEach(async () => {
  await endAll();
  await broker.close();
});

const SHORT = ['-s', '0.1'];

/** One object for each line. */
async function results(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await run('spoke-bench', ['--url', url, '--json', ...SHORT, ...args]);
  const remarks = stderr
    .split('\n')
    .filter((line) => line !== '' && !line.includes('the latencies are those of a queue'));
  expect({ code, remarks }).toEqual({ code: 0, remarks: [] });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('spoke-bench', () => {
  test('measures every workload, first as fast as it goes and then at a steady rate', async () => {
    const all = await results();
    expect(all.map(({ workload, payload, connections }) => [workload, payload, connections])).toEqual([
      ['pub-sub', 128, 1],
      ['fan-out', 128, 10],
      ['rpc', 128, 1],
    ]);
    for (const { flood, steady } of all) {
      expect(flood).toMatchObject({ perSecond: expect.any(Number), megabytesPerSecond: expect.any(Number) });
      const { messages, p50, p99, p999, max } = steady as Record<string, number>;
      expect(messages).toBeGreaterThan(0);
      const quantiles = [0, p50, p99, p999, max].map(Number);
      expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
    }
  });

  test('goes through sizes and numbers of connections', async () => {
    const all = await results('pub-sub', 'fan-out', '-p', '64,100000', '-c', '1,3');
    expect(all.map(({ workload, payload, connections }) => [workload, payload, connections].join(' '))).toEqual(
      ['pub-sub', 'fan-out'].flatMap((workload) =>
        [64, 100_000].flatMap((p) => [1, 3].map((c) => `${workload} ${p} ${c}`)),
      ),
    );
  });

  test('sends no faster than it is told', async () => {
    const [pubSub, rpc] = await results('pub-sub', 'rpc', '--rate', '200');
    for (const result of [pubSub, rpc]) {
      expect(result).not.toHaveProperty('flood');
      expect(result).toMatchObject({ steady: { rate: 200, messages: 20 } });
    }
  });

  test('speaks other codecs over other transports', async () => {
    [, url = ''] = broker.addresses;
    expect(await results('rpc', '--rate', '100', '--codec', 'msgpack')).toHaveLength(1);
  });

  test('prints a table without --json', async () => {
    const { code, stdout } = await run('spoke-bench', ['--url', url, ...SHORT, 'rpc', '--rate', '100']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^workload +bytes +conns .*\nrpc +128 +1 .*\n$/);
  });

  test('says so when there is no broker', async () => {
    const { code, stdout, stderr } = await run('spoke-bench', ['--url', `tcp://127.0.0.1:${await freePort()}`]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^spoke-bench: no broker at .*\n$/);
  });

  test('says so when the broker goes away', async () => {
    const command = start('spoke-bench', ['--url', url, '--json', 'rpc', '-s', '30', '--rate', '100']);
    const watcher = await Client.connect(url);
    for await (const { channel } of watcher.messages('spoke-bench/**')) if (channel !== '') break;
    await broker.close();
    await watcher.close();
    const { code, stderr } = await command.ended();
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: expect.any(String) } });
  });

  test('ends on SIGINT', async () => {
    const command = start('spoke-bench', ['--url', url, 'pub-sub', '-s', '30', '--rate', '100']);
    await command.line();
    command.child.kill('SIGINT');
    expect(await command.ended()).toMatchObject({ code: 130, stderr: '' });
  });

  test.each([
    [['carrier-pigeon'], 'there is no workload carrier-pigeon; there are: pub-sub, fan-out, rpc'],
    [['-p', '3'], "'3' is invalid. It is a number from"],
    [['-c', '1.5'], "'1.5' is invalid. They are whole numbers"],
    [['-s', 'long'], "'long' is invalid"],
  ])('%j is wrong usage', async (args, complaint) => {
    const { code, stderr } = await run('spoke-bench', args);
    expect(code).toBe(2);
    expect(stderr).toContain(complaint);
  });
});
