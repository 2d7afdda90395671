import { beforeEach, describe, expect, it } from '@jest/globals';

import { Barrier } from '../../../src/client/barrier.js';
import { VirtualClock } from '../../support/virtual-clock.js';

let clock: VirtualClock;
let sent: number[];
let barrier: Barrier;
beforeEach(() => {
  clock = new VirtualClock();
  sent = [];
  barrier = new Barrier(clock, (number) => sent.push(number));
});

function waiter() {
  const outcome: { result?: unknown; forget: () => void } = { forget() {} };
  const { passed, forget } = barrier.wait();
  outcome.forget = forget;
  passed.then(
    () => (outcome.result = 'passed'),
    (error: unknown) => (outcome.result = error),
  );
  return outcome;
}

describe('a barrier', () => {
  it('sends one ping for all who wait in one turn, and lets them pass when it comes back', async () => {
    const waiters = [waiter(), waiter()];
    await clock.idle();
    waiters.push(waiter());
    await clock.idle();
    expect(sent).toEqual([1, 2]);
    barrier.returned(1);
    await clock.idle();
    expect(waiters.map(({ result }) => result)).toEqual(['passed', 'passed', undefined]);
    barrier.returned(2);
    await clock.idle();
    expect(waiters.map(({ result }) => result)).toEqual(['passed', 'passed', 'passed']);
    expect(barrier.size).toBe(0);
  });

  it('lets all pass that waited for earlier pings, though those never came back', async () => {
    const waiters = [waiter()];
    await clock.idle();
    waiters.push(waiter());
    await clock.idle();
    barrier.returned(2);
    await clock.idle();
    expect(waiters.map(({ result }) => result)).toEqual(['passed', 'passed']);
  });

  it.each([NaN, Infinity, 2, 0, -1])('takes %p, which was never sent, for no answer', async (number) => {
    const one = waiter();
    await clock.idle();
    barrier.returned(number);
    await clock.idle();
    expect(one.result).toBeUndefined();
  });

  it('asks again on a new connection, and takes nothing of the one before for an answer', async () => {
    const one = waiter();
    await clock.idle();
    barrier.connected();
    expect(sent).toEqual([1, 2]);
    barrier.returned(1);
    await clock.idle();
    expect(one.result).toBeUndefined();
    barrier.returned(2);
    await clock.idle();
    expect(one.result).toBe('passed');
  });

  it('asks nothing on a new connection when nobody waits', () => {
    barrier.connected();
    expect(sent).toEqual([]);
  });

  it('forgets who no longer waits, and asks nothing for nobody', async () => {
    for (let n = 0; n < 100; n++) waiter().forget();
    await clock.idle();
    expect(sent).toEqual([]);
    expect(barrier.size).toBe(0);
  });

  it('rejects all who wait when it closes', async () => {
    const [one, two] = [waiter(), waiter()];
    two.forget();
    const error = new Error('over');
    barrier.close(error);
    await clock.idle();
    expect([one.result, two.result]).toEqual([error, undefined]);
    expect(barrier.size).toBe(0);
  });
});
