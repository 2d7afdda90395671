// A robot's arm: it moves, tells how far it is, streams where it is, and stops when nobody waits any more.

import type { CallContext, Client } from 'spoke';
import { RpcError } from 'spoke';

export interface Goal {
  readonly angle: number;
}

/** @param pause - waits for the next step of the motor; rejects when the signal aborts. */
export async function startArm(client: Client, pause: (signal: AbortSignal) => Promise<void>): Promise<void> {
  let angle = 0;
  await client.provide('arm/move', async (goal: Goal, { signal, progress }: CallContext) => {
    if (Math.abs(goal.angle) > 90) throw new RpcError('OUT_OF_RANGE', 'the arm cannot go there', { limit: 90 });
    while (angle !== goal.angle) {
      await pause(signal);
      angle += Math.sign(goal.angle - angle);
      await progress(angle);
    }
    return angle;
  });
  await client.provide('arm/positions', async function* positions(_: unknown, { signal }: CallContext) {
    for (;;) {
      yield angle;
      await pause(signal);
    }
  });
  // One procedure of another one: it has no more time than its own caller left it, and ends with it.
  await client.provide('arm/wave', async (times: number, { call }: CallContext) => {
    for (let n = 0; n < times; n++) {
      await call('arm/move', { angle: 10 });
      await call('arm/move', { angle: 0 });
    }
  });
}
