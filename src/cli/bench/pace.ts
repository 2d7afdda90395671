// Sends at a steady rate, each message at a time that is known before. Whoever is late sends at once, under the time that was
// meant: what a broker holds up counts in full, also for the messages that could not be sent meanwhile. That is what
// "without coordinated omission" means.

import { setImmediate, setTimeout } from 'node:timers/promises';

export interface Pace {
  /** Per second. */
  readonly rate: number;
  readonly seconds: number;
  /** Nanoseconds. */
  readonly now: () => number;
  /** @param at - when it was to be sent. */
  readonly send: (at: number) => void;
  /** Resolves when there is room for more. */
  readonly room: () => Promise<void> | undefined;
  /** Whether this thread waits for answers: then it does not sleep for less than a timer can, and takes all of a processor. */
  readonly awake: boolean;
}

const MILLISECOND = 1e6;
// Timers of Node come up to a millisecond late.
const TIMER_TOO_LATE = 2 * MILLISECOND;
// Shorter than it takes to go to sleep and to wake.
const TOO_SHORT = 0.1 * MILLISECOND;

/** Resolves with the number of messages when all have been sent. */
export async function keepPace({ rate, seconds, now, send, room, awake }: Pace): Promise<number> {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const count = Math.max(1, Math.round(rate * seconds));
  const interval = 1e9 / rate;
  const start = now() + MILLISECOND;
  for (let sent = 0; sent < count;) {
    const time = now();
    // Also when it is long due: input and output have their turn in between.
    for (let burst = 0; burst < 64 && sent < count && start + sent * interval <= time; burst++) {
      await room();
      send(Math.round(start + sent++ * interval));
    }
    // What was sent leaves at the end of this turn of the event loop.
    await setImmediate();
    const left = start + sent * interval - now();
    if (left > TIMER_TOO_LATE) await setTimeout(Math.floor((left - MILLISECOND) / MILLISECOND));
    else if (left > TOO_SHORT && !awake) Atomics.wait(cell, 0, 0, left / MILLISECOND);
  }
  return count;
}
