// Messages with a time to live go when it has passed, in any order of coming.

import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { Expiry } from '../../../src/broker/expiry.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('expiry', () => {
  it('tells of each channel at its time, not before, and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -1000, max: 200_000 }), { maxLength: 60 }), async (delays) => {
        const clock = new VirtualClock();
        const start = clock.now();
        const told: [string, number][] = [];
        const expiry = new Expiry(clock, (channel, expires) => {
          expect(clock.now()).toBeGreaterThanOrEqual(expires * 1000 - 0.01);
          expect(clock.now() - Math.max(start, expires * 1000)).toBeLessThan(1);
          told.push([channel, expires]);
        });
        delays.forEach((delay, index) => expiry.add(`c/${index}`, (start + delay) / 1000));
        await clock.advance(300_000);
        expect(told.map(([channel]) => channel).sort()).toEqual(delays.map((_, index) => `c/${index}`).sort());
        const times = told.map(([, expires]) => expires);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('looks at the clock again and again: it may be set', async () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    let ahead = 0;
    const skewed = {
      now: () => clock.now() + ahead,
      monotonic: () => clock.monotonic(),
      setTimer: (delay: number, callback: () => void) => clock.setTimer(delay, callback),
      defer: (callback: () => void) => clock.defer(callback),
    };
    const expiry = new Expiry(skewed, (channel) => told.push(channel));
    expiry.add('x', clock.now() / 1000 + 3600);
    await clock.advance(1000);
    ahead = 3_600_000;
    await clock.advance(60_000);
    expect(told).toEqual(['x']);
  });

  it('holds no more than there are channels, however often each is written', async () => {
    const clock = new VirtualClock();
    const now = clock.now() / 1000;
    const told: [string, number][] = [];
    const expiry = new Expiry(clock, (channel, expires) => told.push([channel, expires]));
    for (let n = 0; n < 10_000; n++) expiry.add(`c/${n % 10}`, now + 3600 + n);
    expect(expiry.size).toBeLessThan(100);
    for (let n = 10_000; n > 0; n--) expiry.add(`c/${n % 10}`, now + n);
    expect(expiry.size).toBeLessThan(100);
    for (let n = 0; n < 10_000; n++) {
      expiry.add(`gone/${n}`, now + 3600);
      expiry.remove(`gone/${n}`);
    }
    expect(expiry.size).toBeLessThan(100);
    await clock.advance(20_000_000);
    // The last one of each counts.
    expect(told).toEqual(Array.from({ length: 10 }, (_, n) => [`c/${(n + 1) % 10}`, now + n + 1]));
    expect(expiry.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it('does not look again and again for a fraction that a clock does not notice', async () => {
    for (let n = 0; n < 500; n++) {
      const clock = new VirtualClock(1_700_000_000_000 + n * 1.7026);
      const told: string[] = [];
      let looks = 0;
      const counting = {
        now: () => {
          if (++looks > 100) throw new Error('it looks at the clock for ever');
          return clock.now();
        },
        monotonic: () => clock.monotonic(),
        setTimer: (delay: number, callback: () => void) => clock.setTimer(delay, callback),
        defer: (callback: () => void) => clock.defer(callback),
      };
      const expiry = new Expiry(counting, (channel) => told.push(channel));
      // As a publisher's time and a time to live add up.
      expiry.add('x', clock.now() / 1000 + (856 + n) / 1000);
      await clock.advance(858 + n);
      expect(told).toEqual(['x']);
    }
  });

  it('leaves no timer behind when it is closed', () => {
    const clock = new VirtualClock();
    const expiry = new Expiry(clock, () => {});
    expiry.add('x', clock.now() / 1000 + 10);
    expiry.close();
    expiry.add('y', clock.now() / 1000 + 10);
    expect(clock.timers).toBe(0);
  });
});
