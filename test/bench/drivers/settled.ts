// The memory of a server when it has come to rest.

import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../processor-time.js';

const LOOKS = 8;

/** Bytes; two looks, `pause` milliseconds apart, that hardly differ end the waiting. */
export async function settledBytes(pid: number, pause: number): Promise<number> {
  let last = residentBytes(pid);
  for (let look = 0; look < LOOKS; look++) {
    await delay(pause);
    const now = residentBytes(pid);
    if (Math.abs(now - last) < last / 200) return now;
    last = now;
  }
  return last;
}
