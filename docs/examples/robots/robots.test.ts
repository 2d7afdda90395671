import { expect, it } from '@jest/globals';
import { memoryNetwork } from 'spoke/testing';

import { watchPeople, watchPoses, willOf } from './robots.js';

it('a display that hung shows the newest poses, and what it missed', async () => {
  await using net = memoryNetwork();
  await net.broker();
  const display = await net.client({ name: 'display' });
  const shown: [string, unknown][] = [];
  await net.until(watchPoses(display, (robot, pose) => shown.push([robot, pose])));
  const robot = await net.client();
  net.stall('display');
  for (let n = 1; n <= 500; n++) {
    await robot.publish('poses/r2', { n, scan: '.'.repeat(1000) });
    if (n % 20 === 0) await net.idle();
  }
  net.heal();
  await net.idle();
  expect(shown.at(-1)).toEqual(['r2', expect.objectContaining({ n: 500 })]);
  expect(shown.some(([robot]) => robot === '(missed)')).toBe(true);
});

it('a robot that is lost is told of, and one that leaves has gone', async () => {
  await using net = memoryNetwork();
  await net.broker();
  const display = await net.client();
  const said: string[] = [];
  await net.until(watchPeople(display, (text) => said.push(text)));
  await net.until(display.subscribe('status/*', ({ channel, body }) => said.push(`${channel}: ${String(body)}`)));
  const robot = await net.client({ name: 'r2', about: { name: 'R2' }, will: willOf('R2'), reconnect: false });
  await net.until(robot.flush());
  await net.idle();
  expect(said.some((text) => text.endsWith('is there'))).toBe(true);
  net.cut('r2', 'broker-1');
  await net.idle();
  expect(said).toContain('status/R2: lost');
  expect(said.some((text) => text.endsWith('has gone'))).toBe(true);
});
