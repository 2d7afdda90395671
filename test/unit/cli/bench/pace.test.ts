/** The times under which `spoke-bench` sends. */
import { describe, expect, test } from '@jest/globals';

import { clockFrom } from '../../../../src/cli/bench/body.js';
import { keepPace } from '../../../../src/cli/bench/pace.js';

const MILLISECOND = 1e6;
const now = clockFrom(process.hrtime.bigint());

describe.each([
  ['asleep in between', false],
  ['awake all the time', true],
])('a steady rate, %s', (_, awake) => {
  test('is as many messages as there should be, none of them early', async () => {
    let early = 0;
    let sent = 0;
    const send = (at: number) => {
      sent++;
      if (at > now()) early++;
    };
    await expect(keepPace({ rate: 2000, seconds: 0.1, now, send, room: () => undefined, awake })).resolves.toBe(200);
    expect({ sent, early }).toEqual({ sent: 200, early: 0 });
  });

  test('goes on under the times that were meant when something held it up', async () => {
    const times: number[] = [];
    const lateness: number[] = [];
    const send = (at: number) => {
      times.push(at);
      lateness.push(now() - at);
    };
    // The machine stands still, as one does that is busy with something else.
    const standStill = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);
    const room = () => {
      if (times.length === 20) standStill();
      return undefined;
    };
    await keepPace({ rate: 1000, seconds: 0.1, now, send, room, awake });

    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([MILLISECOND]));
    // The message that waited, and those that were due meanwhile: each less late by the time between two.
    expect(lateness[20]).toBeGreaterThan(35 * MILLISECOND);
    expect(lateness[30]).toBeGreaterThan(25 * MILLISECOND);
  });
});
