import { expect, it } from '@jest/globals';
import { memoryNetwork } from 'spoke/testing';

import { startWorker } from './workers.js';

it('each job is done by one worker, also while one of them stops', async () => {
  await using net = memoryNetwork();
  await net.broker();
  const done: unknown[] = [];
  const work = (job: unknown) => done.push(job);
  const stop = await net.until(startWorker(await net.client(), work));
  await net.until(startWorker(await net.client(), work));
  const boss = await net.client();
  for (let n = 1; n <= 10; n++) await boss.publish('jobs/print', n);
  await net.until(stop());
  for (let n = 11; n <= 20; n++) await boss.publish('jobs/print', n);
  await net.until(boss.flush());
  await net.idle();
  expect(done).toHaveLength(20);
  expect(new Set(done).size).toBe(20);
});
