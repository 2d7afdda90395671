/** The commands in a network of other programs: a broker and clients that know nothing of us. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';

import { IndependentClient, IndependentServer, unacceptable } from '../../support/independent-peer/index.js';
import { endAll, run, start } from './commands.js';

let server: IndependentServer;
let peer: IndependentClient;
let environment: Record<string, string>;

jest.setTimeout(60_000);

beforeEach(async () => {
  server = await IndependentServer.start();
  peer = await IndependentClient.connect(server.port);
  environment = { SPOKEHOST: '127.0.0.1', SPOKEPORT: String(server.port) };
});

afterEach(async () => {
  await endAll();
  await peer.close();
  await server.close();
});

test('spoke-publish publishes and ends, and a message with -p is kept', async () => {
  expect(await run('spoke-publish', ['-p', 'robot/name', '"R2"'], environment)).toMatchObject({ code: 0, stderr: '' });
  await peer.subscribe('robot/**');
  await peer.roundTrip();
  expect(peer.delivered.filter(({ channel }) => channel === 'robot/name')).toMatchObject([{ body: 'R2' }]);
  expect(unacceptable(server, ['robot/**', 'test/**'])).toEqual([]);
});

test('spoke-echo prints what is said, and nothing of its own doing', async () => {
  const echo = start('spoke-echo', [], environment);
  // The broker has all that the command says of its own accord when it has answered a ping.
  await server.until(
    () => server.received.some(({ channel }) => channel.startsWith('-control/ping/')),
    'the ping of spoke-echo',
  );
  await peer.publish('a', { x: [1, null] });
  expect(await echo.line()).toBe('a: {"x":[1,null]}');
  expect(await echo.signal('SIGTERM')).toEqual({ code: 0, stdout: 'a: {"x":[1,null]}\n', stderr: '' });
  expect(unacceptable(server, ['a'])).toEqual([]);
});

test('spoke-call calls a provider, and prints its result or its error', async () => {
  await peer.provide('math/square', (x) => Number(x) ** 2);
  await peer.provide('fail', () => {
    throw new Error('out of paper');
  });
  await peer.roundTrip();
  expect(await run('spoke-call', ['math/square', '7'], environment)).toEqual({ code: 0, stdout: '49\n', stderr: '' });
  expect(await run('spoke-call', ['fail'], environment)).toEqual({
    code: 1,
    stdout: 'Error: out of paper\n',
    stderr: '',
  });
  expect(await run('spoke-call', ['nobody', '-t', '0.3'], environment)).toMatchObject({ code: 1, stdout: 'Timeout\n' });
  expect(unacceptable(server, ['math/square/**', 'fail/**', 'nobody/**', '**/-rpc/**', 'test/**'])).toEqual([]);
});
