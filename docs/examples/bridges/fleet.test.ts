import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Client, Message } from 'spoke';
import type { MemoryNetwork } from 'spoke/testing';
import { memoryNetwork } from 'spoke/testing';

import { robotBridge, visitorsProxy } from './fleet.js';

let net: MemoryNetwork;
let station: Client;
let robot: Client;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  net = memoryNetwork({ seed: 4 });
  await net.broker({ name: 'station' });
  await net.broker({ name: 'r2' });
  station = await net.client({ to: 'station' });
  robot = await net.client({ to: 'r2' });
  const bridge = robotBridge('r2', 'memory://station', 'memory://r2', {
    transports: [net.transport('bridge')],
    clock: net.clock,
  });
  ends.push(() => bridge.close());
  await net.until(bridge.start());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await net.until(end());
  await net.close();
});

describe('a station', () => {
  it('sees its robots below their names, calls them, and is spared their cameras', async () => {
    const seen: [string, unknown][] = [];
    await station.subscribe('robots/**', ({ channel, body }: Message) => seen.push([channel, body]));
    await robot.provide('arm/grip', (force: number) => force < 10);
    await net.idle();
    await robot.publish('pose', { x: 1 });
    await robot.publish('camera/front', 'a picture');
    await net.idle();
    expect(seen).toEqual([['robots/r2/pose', { x: 1 }]]);
    expect(await net.until(station.call('robots/r2/arm/grip', 3))).toBe(true);
  });

  it('finds the last values of a robot that came back into reach', async () => {
    net.partition(['bridge'], ['r2']);
    await robot.publish('battery', 0.4, { persist: true });
    await net.advance('5 min');
    net.heal();
    await net.advance('30 s');
    const found: unknown[] = [];
    await station.subscribe('robots/r2/battery', ({ body }) => found.push(body));
    expect(found).toEqual([0.4]);
  });

  it('shows visitors where the robots are, and no more', async () => {
    const proxy = visitorsProxy('memory://station', 'memory://public', {
      transports: [net.transport('proxy')],
      clock: net.clock,
    });
    ends.push(() => proxy.close());
    await net.until(proxy.start());
    const visitor = await net.client({ to: 'public' });
    const seen: string[] = [];
    await visitor.subscribe('**', ({ channel }) => seen.push(channel));
    await net.idle();
    await robot.publish('pose', { x: 2 }, { persist: true });
    await robot.publish('battery', 0.3, { persist: true });
    await net.idle();
    expect(seen).toEqual(['robots/r2/pose']);
  });
});
