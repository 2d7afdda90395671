import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Client } from 'spoke';
import { RpcError } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

import { startArm } from './arm.js';

let net: MemoryNetwork;
let client: Client;
let stopped: number;
beforeEach(async () => {
  net = memoryNetwork();
  await net.broker();
  client = await net.client();
  stopped = 0;
  // A step of the motor takes a tenth of a second.
  const pause = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const stop = () => {
        cancel();
        stopped++;
        reject(new Error('stopped'));
      };
      signal.addEventListener('abort', stop, { once: true });
      const cancel = net.clock.setTimer(100, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  await net.until(startArm(await net.client({ name: 'arm' }), pause));
});
afterEach(async () => net.close());

it('moves, and tells how far it is', async () => {
  const seen: unknown[] = [];
  const onProgress = (angle: unknown) => seen.push(angle);
  expect(await net.until(client.call('arm/move', { angle: 3 }, { onProgress }))).toBe(3);
  expect(seen).toEqual([1, 2, 3]);
});

it('says by a code what it cannot do', async () => {
  const error = await net.until(client.call('arm/move', { angle: 91 }).catch((reason: unknown) => reason));
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toMatchObject({ code: 'OUT_OF_RANGE', message: 'the arm cannot go there', data: { limit: 90 } });
});

it('stops when its caller does not wait any more, also that of a call in a call', async () => {
  await expect(net.until(client.call('arm/wave', 5, { timeout: 250 }))).rejects.toMatchObject({ code: 'TIMEOUT' });
  await net.idle();
  expect(stopped).toBe(1);
});

it('streams where it is, to whoever reads, and no longer', async () => {
  const positions: number[] = [];
  const reading = (async () => {
    for await (const angle of client.stream<number>('arm/positions')) {
      positions.push(angle);
      if (positions.length === 3) break;
    }
  })();
  await net.until(reading);
  await net.idle();
  expect(positions).toEqual([0, 0, 0]);
  expect(stopped).toBe(1);
});

it('is missed at once when it is not there', async () => {
  await expect(client.call('leg/move')).rejects.toMatchObject({ code: 'NO_PROVIDER', retryable: true });
});
