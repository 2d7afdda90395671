import { describe, expect, it } from '@jest/globals';

import { systemClock, Turn } from '../../../src/link/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('a turn', () => {
  it('flushes each output once, in the order in which they came', async () => {
    const clock = new VirtualClock();
    const turn = new Turn(clock);
    const flushed: string[] = [];
    for (const name of ['a', 'b', 'c']) turn.add({ flush: () => void flushed.push(name), released: true });
    expect(flushed).toEqual([]);
    await clock.idle();
    await clock.idle();
    expect(flushed).toEqual(['a', 'b', 'c']);
  });

  it('leaves to the next one what is added while it flushes', async () => {
    const clock = new VirtualClock();
    const turn = new Turn(clock);
    const flushed: string[] = [];
    turn.add({
      released: true,
      flush() {
        flushed.push('first');
        turn.add({ flush: () => void flushed.push('second'), released: true });
      },
    });
    turn.add({ flush: () => void flushed.push('beside'), released: true });
    await clock.idle();
    expect(flushed).toEqual(['first', 'beside', 'second']);
  });

  it('does not write over what an output wrote while it was flushed', async () => {
    const clock = new VirtualClock();
    const turn = new Turn(clock);
    const write = (text: string): Uint8Array => {
      const at = turn.sink.reserve(text.length);
      turn.sink.block.set(Buffer.from(text), at);
      turn.sink.commit(text.length);
      return turn.sink.block.subarray(at, at + text.length);
    };
    const sent: string[] = [];
    turn.add({
      released: true,
      flush() {
        const late = write('late');
        turn.add({ released: true, flush: () => void sent.push(String(Buffer.from(late))) });
      },
    });
    clock.defer(() => void write('next'));
    await clock.idle();
    expect(sent).toEqual(['late']);
  });

  it('has one time for all messages of a chunk, and reads the clock anew for the next', () => {
    const clock = new VirtualClock(5_000);
    const turn = new Turn(clock);
    turn.begin();
    expect(turn.seconds).toBe(5);
    clock.set(6_000);
    expect(turn.seconds).toBe(5);
    turn.begin();
    expect(turn.seconds).toBe(6);
  });
});

describe('the system clock', () => {
  it('waits for longer than the host can in one timer, rather than not at all', async () => {
    const rang: string[] = [];
    const cancel = [1e10, 2 ** 31, Number.MAX_VALUE, Infinity].map((delay) =>
      systemClock.setTimer(delay, () => rang.push(String(delay))),
    );
    await new Promise<void>((resolve) => void systemClock.setTimer(20, resolve));
    for (const stop of cancel) stop();
    expect(rang).toEqual([]);
  });

  it('runs what is deferred in order, and never at once', async () => {
    const ran: number[] = [];
    const done = new Promise<void>((resolve) => {
      systemClock.defer(() => ran.push(1));
      systemClock.defer(() => ran.push(2));
      systemClock.defer(resolve);
    });
    expect(ran).toEqual([]);
    await done;
    expect(ran).toEqual([1, 2]);
  });
});
