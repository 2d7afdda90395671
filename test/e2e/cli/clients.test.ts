/** spoke-clients, as a process, with a broker in this one. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

import type { BrokerOptions } from '../../../src/index.js';
import { Broker, Client } from '../../../src/index.js';
import { IndependentClient, IndependentServer } from '../../support/independent-peer/index.js';
import { endAll, run, start } from './commands.js';

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

async function robot(): Promise<Client> {
  const client = await Client.connect({ url, about: { name: 'R2', meta: { floor: 3 } } });
  await client.subscribe('poses/*', () => {});
  await client.subscribe('jobs', () => {}, { group: 'workers' });
  await client.provide('math/square', (x: number) => x * x);
  return client;
}

describe('spoke-clients', () => {
  test('prints a table of who is connected, old programs included, and not itself', async () => {
    await using _robot = await robot();
    const peer = await IndependentClient.connect(Number(new URL(url).port));
    await peer.subscribe('**');
    await peer.roundTrip();
    const { code, stdout, stderr } = await run('spoke-clients', ['--url', url]);
    await peer.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const date = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^WHO +SINCE +SUBSCRIBES TO +PROVIDES$/),
      expect.stringMatching(
        new RegExp(String.raw`^R2 .*127\.0\.0\.1\S* +${date} {2}poses/\*, jobs \[workers\] +math/square$`),
      ),
      expect.stringMatching(new RegExp(String.raw`127\.0\.0\.1\S* +${date} {2}\*\* +-$`)),
      '',
    ]);
  });

  test('prints an object for each under --json', async () => {
    await using _robot = await robot();
    const { stdout } = await run('spoke-clients', ['--url', url, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      id: expect.any(String),
      name: 'R2',
      meta: { floor: 3 },
      since: expect.any(Number),
      patterns: expect.arrayContaining(['poses/*']),
      groups: expect.arrayContaining([{ pattern: 'jobs', group: 'workers' }]),
      provides: ['math/square'],
    });
  });

  test('goes on under --watch: who comes, changes and leaves; and ends with 0 by SIGINT', async () => {
    const first = await Client.connect({ url, about: { name: 'first' } });
    await first.flush();
    await first.presence.list();
    const command = start('spoke-clients', ['--url', url, '--watch', '--json']);
    const next = async (): Promise<unknown> => JSON.parse(await command.line());
    expect(await next()).toMatchObject({ event: 'joined', name: 'first', patterns: [] });
    await first.subscribe('x', () => {});
    expect(await next()).toMatchObject({ event: 'changed', name: 'first', patterns: ['x'] });
    await first.close();
    const last = await (async () => {
      for (;;) {
        const news = await next();
        if ((news as { event: string }).event !== 'changed') return news;
      }
    })();
    expect(last).toMatchObject({ event: 'left', name: 'first' });
    expect(await command.signal('SIGINT')).toMatchObject({ code: 0, stderr: '' });
  });

  test('marks the lines under --watch for a person', async () => {
    await using _robot = await robot();
    const command = start('spoke-clients', ['--url', url, '--watch']);
    expect(await command.line()).toMatch(/^\+ R2 .* poses\/\*, jobs \[workers\] {2}math\/square$/);
    expect(await command.signal('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  });

  test('prints control characters of a name as escapes', async () => {
    await using client = await Client.connect({ url, about: { name: 'a\nb\u001b[2J' } });
    await client.presence.list();
    const { stdout } = await run('spoke-clients', ['--url', url]);
    expect(stdout).toContain(String.raw`a\u000ab\u001b[2J`);
  });

  test('fails with one line where one may not see it, with a broker that does not tell, and with none', async () => {
    await broker.close();
    await startBroker({ authorizer: { allows: (_, __, target) => !target.startsWith('-presence') } });
    const forbidden = await run('spoke-clients', ['--url', url, '--json']);
    expect(forbidden).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(forbidden.stderr)).toMatchObject({ error: { code: 'FORBIDDEN' } });

    const server = await IndependentServer.start(0);
    const foreign = await run('spoke-clients', ['--url', server.url, '--json']);
    await server.close();
    expect(foreign).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(foreign.stderr)).toMatchObject({ error: { code: 'UNSUPPORTED' } });

    const nobody = await run('spoke-clients', ['--url', server.url]);
    expect(nobody).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^spoke-clients: [^\n]+\n$/) });
  });

  test('ends with one line when the broker goes under --watch', async () => {
    await using _robot = await robot();
    const command = start('spoke-clients', ['--url', url, '--watch']);
    await command.line();
    const ended = command.ended();
    await _robot.close();
    await broker.close();
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('was lost') });
  });
});
