// Clocks that jump, forth and back: the broker's, a client's, all of them.

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';
import type { Clock } from '../../../src/contracts/index.js';
import type { MemoryNetwork } from '../../../src/testing/index.js';
import { memoryNetwork } from '../../../src/testing/index.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Shows another time than the network's; its timers are right. */
class WrongClock implements Clock {
  offset = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.offset;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimer(delay: number, callback: () => void): () => void {
    return this.#clock.setTimer(delay, callback);
  }

  defer(callback: () => void): void {
    this.#clock.defer(callback);
  }
}

let net: MemoryNetwork;
let clock: WrongClock;
beforeEach(() => {
  net = memoryNetwork({ seed: 3 });
  clock = new WrongClock(net.clock);
});
afterEach(async () => net[Symbol.asyncDispose]());

describe.each([
  ['an hour back', -HOUR],
  ['a year back', -365 * DAY],
  ['an hour forth', HOUR],
  ['a year forth', 365 * DAY],
])("When a broker's clock jumps %s", (_, jump) => {
  it('messages pass, the newest value is kept, calls are answered, and no connection ends', async () => {
    const broker = await net.broker({ clock });
    const [a, b] = [await net.client({ heartbeat: 1000 }), await net.client({ heartbeat: 1000 })];
    const states: string[] = [];
    for (const client of [a, b]) client.on('state', (state) => states.push(state));
    const got: unknown[] = [];
    await net.until(b.subscribe('kept', ({ body }) => got.push(body)));
    await net.until(b.provide('double', (x: number) => 2 * x));
    await net.until(a.publish('kept', 1, { persist: true }));
    clock.offset = jump;
    await net.until(a.publish('kept', 2, { persist: true }));
    await net.advance('5 s');
    clock.offset = 0;
    await net.until(a.publish('kept', 3, { persist: true }));
    await net.advance('5 s');
    expect(got).toEqual([1, 2, 3]);
    expect((await net.until(a.kept.get('kept')))?.body).toBe(3);
    expect(await net.until(a.call('double', 21, { timeout: 2000 }))).toBe(42);
    expect(states).toEqual([]);
    expect(broker.stats.connections).toBe(2);
  });
});

describe('A value with a time to live', () => {
  it('is kept no longer when the clock has jumped past its end, and goes at its time when the clock jumped back', async () => {
    await net.broker({ clock });
    const client = await net.client();
    await net.until(client.publish('a', 1, { persist: true, ttl: HOUR }));
    clock.offset = -HOUR;
    await net.advance('61 min');
    expect((await net.until(client.kept.get('a')))?.body).toBe(1);
    clock.offset = HOUR;
    await net.advance('61 min');
    expect(await net.until(client.kept.get('a'))).toBeUndefined();
  });
});

describe("When a client's clock is wrong", () => {
  it.each([-DAY, DAY])(
    'by %d ms, what it publishes is as new as the broker says, and its calls have their time',
    async (offset) => {
      await net.broker();
      clock.offset = offset;
      const [wrong, right] = [await net.client({ clock }), await net.client()];
      await net.until(
        right.provide('slowly', async (x: number) => {
          await new Promise<void>((resolve) => void net.clock.setTimer(2000, resolve));
          return x;
        }),
      );
      await net.until(wrong.provide('quickly', (x: number) => x));
      await net.until(wrong.publish('v', 'wrong', { persist: true }));
      await net.until(right.publish('v', 'right', { persist: true }));
      expect((await net.until(wrong.kept.get('v')))?.body).toBe('right');
      await net.until(wrong.publish('v', 'wrong again', { persist: true }));
      expect((await net.until(right.kept.get('v')))?.body).toBe('wrong again');
      expect(await net.until(wrong.call('slowly', 1, { timeout: 3000 }))).toBe(1);
      expect(await net.until(right.call('quickly', 2, { timeout: 3000 }))).toBe(2);
      await expect(net.until(wrong.call('slowly', 1, { timeout: 1000 }))).rejects.toMatchObject({ code: 'TIMEOUT' });
    },
  );
});

describe('Whatever the clock does', () => {
  it('the value that was answered last is kept, and subscribers get every one', async () => {
    const jump = fc.oneof(fc.integer({ min: -2 * DAY, max: 2 * DAY }), fc.constantFrom(0, -1, 1, -0.0001, 365 * DAY));
    const step = fc.record({ jump, pause: fc.nat(3000), channel: fc.nat(2) });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await using network = memoryNetwork({ seed: 5 });
      const wrong = new WrongClock(network.clock);
      await network.broker({ clock: wrong });
      const [a, b] = [await network.client(), await network.client()];
      const got: unknown[] = [];
      await network.until(b.subscribe('v/*', ({ body }) => got.push(body)));
      const latest = new Map<string, number>();
      for (const [n, { jump: offset, pause, channel }] of steps.entries()) {
        wrong.offset = offset;
        await network.until(a.publish(`v/${channel}`, n, { persist: true }));
        latest.set(`v/${channel}`, n);
        await network.advance(pause);
      }
      await network.idle();
      expect(got).toEqual(steps.map((_, n) => n));
      for (const [channel, n] of latest) expect((await network.until(a.kept.get(channel)))?.body).toBe(n);
    });
    await fc.assert(property, { numRuns: 25 });
  });
});
