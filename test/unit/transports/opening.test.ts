import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Socket } from 'node:net';

import { SpokeError } from '../../../src/contracts/index.js';
import { parseAddress } from '../../../src/transports/index.js';
import { untilOpen } from '../../../src/transports/tcp/opening.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function opening(timeout: number) {
  const socket = new Socket();
  const opened = untilOpen(socket, {
    address: parseAddress('tcp://127.0.0.1:7181'),
    signal: undefined,
    failed: (cause) => new SpokeError('CONNECT_FAILED', 'failed', { cause }),
    event: 'connect',
    timeout,
    timedOut: () => new SpokeError('CONNECT_FAILED', 'timed out'),
  });
  return { socket, opened };
}

it('an attempt to connect ends when its time is up', async () => {
  const { socket, opened } = opening(1000);
  const rejection = expect(opened).rejects.toThrow('timed out');
  jest.advanceTimersByTime(1000);
  await rejection;
  expect(socket.destroyed).toBe(true);
});

it.each([Infinity, 2 ** 31])('an attempt to connect may be allowed %s milliseconds', async (timeout) => {
  const { socket, opened } = opening(timeout);
  jest.advanceTimersByTime(60_000);
  socket.emit('connect');
  await opened;
  expect(jest.getTimerCount()).toBe(0);
  socket.destroy();
});
