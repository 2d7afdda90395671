import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import type { Connection } from '../../../src/contracts/index.js';
import type { OutboundTotal } from '../../../src/link/index.js';
import { BlockOutbox, BlockSink, Turn } from '../../../src/link/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A connection that says stop when it has taken `room` bytes. */
class Narrow implements Connection {
  readonly boundaries = 'stream';
  readonly peer = { address: 'test' };
  readonly sent: Uint8Array[] = [];
  room = Infinity;
  /** Times it said stop. */
  stops = 0;
  pendingBytes = 0;
  releases = false;

  send(chunk: Uint8Array): boolean {
    this.sent.push(chunk);
    this.room -= chunk.length;
    if (this.room > 0) return true;
    this.stops++;
    return false;
  }

  start(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  abort(): void {}

  get text(): string {
    return Buffer.concat(this.sent).toString('latin1');
  }
}

function setUp(limit = Infinity, totalLimit = Infinity) {
  const clock = new VirtualClock();
  const turn = new Turn(clock);
  const connection = new Narrow();
  const events: string[] = [];
  const total: OutboundTotal = { bytes: 0, limit: totalLimit, exceeded: () => void events.push('total') };
  const outbox = new BlockOutbox(connection, turn, { outboundBytes: limit }, total, () => {
    events.push('overflow');
    outbox.close();
  });
  const push = (text: string): void => {
    const bytes = Buffer.from(text, 'latin1');
    const at = turn.sink.reserve(bytes.length);
    turn.sink.block.set(bytes, at);
    turn.sink.commit(bytes.length);
    outbox.push(turn.sink.block, turn.sink.position - bytes.length, turn.sink.position);
  };
  return { clock, turn, connection, total, outbox, push, events };
}

describe('a block sink', () => {
  it('writes a block again when everybody is done with it', async () => {
    const { clock, connection, turn, push } = setUp();
    connection.releases = true;
    push('first');
    const { block } = turn.sink;
    await clock.idle();
    push('other');
    expect(turn.sink.block).toBe(block);
    expect(turn.sink.position).toBe(5);
    await clock.idle();
    expect(connection.text).toBe('otherother');
  });

  it('leaves a block alone for as long as the connection has some of it', async () => {
    const { clock, connection, push } = setUp();
    connection.releases = true;
    connection.pendingBytes = 1;
    for (const text of ['first', ' second', ' third']) {
      push(text);
      await clock.idle();
    }
    expect(connection.text).toBe('first second third');
    connection.pendingBytes = 0;
    push('x');
    await clock.idle();
    push('OTHER');
    await clock.idle();
    expect(connection.text).toBe('OTHER second thirdxOTHER');
  });

  it('never touches what a connection got that does not say when it is done', async () => {
    const { clock, connection, push } = setUp();
    push('first');
    await clock.idle();
    connection.releases = true;
    for (const text of [' second', ' third']) {
      push(text);
      await clock.idle();
    }
    expect(connection.text).toBe('first second third');
  });

  it('is not held up for good by a reader that has stopped', async () => {
    const { clock, turn, connection, push } = setUp();
    connection.releases = true;
    connection.pendingBytes = 1;
    push('stuck');
    await clock.idle();
    const stuck = turn.sink.block;
    const other = new Narrow();
    other.releases = true;
    const outbox = new BlockOutbox(
      other,
      turn,
      { outboundBytes: Infinity },
      { bytes: 0, limit: Infinity, exceeded() {} },
      () => {},
    );
    const blocks = new Set<Uint8Array>();
    for (let i = 0; i < 100; i++) {
      const at = turn.sink.reserve(10_000);
      turn.sink.commit(10_000);
      outbox.push(turn.sink.block, at, at + 10_000);
      blocks.add(turn.sink.block);
      await clock.idle();
    }
    expect(blocks.size).toBeLessThanOrEqual(2);
    expect(turn.sink.block).not.toBe(stuck);
    expect(Buffer.from(stuck.buffer, 0, 5).toString()).toBe('stuck');
  });

  it('grows with what a turn writes, and keeps big frames apart', () => {
    const sink = new BlockSink();
    const write = (bytes: number) => {
      sink.reserve(bytes);
      sink.commit(bytes);
      return sink.block.length;
    };
    expect(write(10)).toBe(16 * 1024);
    expect(write(16 * 1024)).toBe(32 * 1024);
    expect(write(100 * 1024)).toBe(128 * 1024);
    expect(write(200 * 1024)).toBe(200 * 1024);
    expect(write(10)).toBe(128 * 1024);
    expect(write(100 * 1024)).toBe(256 * 1024);
    expect(write(128 * 1024)).toBe(256 * 1024);
    expect(write(128 * 1024)).toBe(256 * 1024);
    sink.endTurn(true);
    expect([sink.block.length, sink.position]).toEqual([256 * 1024, 0]);
  });
});

describe('an outbox', () => {
  it('writes what one turn brought in one go, at its end', async () => {
    const { clock, connection, push } = setUp();
    for (const text of ['a', 'b', 'c']) push(text);
    expect(connection.sent).toEqual([]);
    await clock.idle();
    expect(connection.sent.map(String)).toEqual(['abc']);
  });

  it('joins small ranges that are scattered, and leaves big ones alone', async () => {
    const { clock, connection, push, turn } = setUp();
    const skip = () => turn.sink.commit((turn.sink.reserve(1), 1));
    push('a');
    skip();
    push('b');
    skip();
    push('x'.repeat(20_000));
    skip();
    push('c');
    skip();
    push('d');
    await clock.idle();
    expect(connection.sent.map((chunk) => chunk.length)).toEqual([2, 20_000, 2]);
    expect(connection.text).toBe(`ab${'x'.repeat(20_000)}cd`);
  });

  it('does not wait for the end of a turn that brings much', () => {
    const { connection, push } = setUp();
    for (let n = 0; n < 200; n++) push('x'.repeat(1000));
    expect(connection.text.length).toBeGreaterThanOrEqual(128 * 1024);
  });

  it('shares one view between the receivers of a fan-out', async () => {
    const clock = new VirtualClock();
    const turn = new Turn(clock);
    const total: OutboundTotal = { bytes: 0, limit: Infinity, exceeded() {} };
    const connections = [new Narrow(), new Narrow(), new Narrow()];
    const at = turn.sink.reserve(3);
    turn.sink.commit(3);
    for (const connection of connections) {
      new BlockOutbox(connection, turn, { outboundBytes: Infinity }, total, () => {}).push(turn.sink.block, at, at + 3);
    }
    await clock.idle();
    expect(connections[1]?.sent[0]).toBe(connections[0]?.sent[0]);
    expect(connections[2]?.sent[0]).toBe(connections[0]?.sent[0]);
  });

  it('keeps copies while the connection says stop, counts them to the byte, and sends all in order when it can', async () => {
    const { clock, connection, outbox, push, total } = setUp();
    connection.room = 1;
    push('1');
    await clock.idle();
    for (let n = 0; n < 10; n++) push('x'.repeat(10_000));
    await clock.idle();
    expect(outbox.blocked).toBe(true);
    expect([outbox.backlogBytes, total.bytes]).toEqual([100_000, 100_000]);
    connection.room = Infinity;
    outbox.drain();
    push('2');
    await clock.idle();
    expect(connection.text).toBe(`1${'x'.repeat(100_000)}2`);
    expect([outbox.backlogBytes, total.bytes, outbox.blocked]).toEqual([0, 0, false]);
  });

  it('hands over no more than the connection takes when there is room again', async () => {
    const { clock, connection, outbox, push, total } = setUp();
    connection.room = 1;
    push('1');
    await clock.idle();
    push('y'.repeat(300_000));
    connection.room = 1;
    outbox.drain();
    expect(outbox.blocked).toBe(true);
    expect(outbox.backlogBytes).toBeGreaterThan(200_000);
    expect(total.bytes).toBe(outbox.backlogBytes);
  });

  it('tells once that too much waits, what lies in the connection included, and takes no more', async () => {
    const { clock, connection, outbox, push, total, events } = setUp(1000);
    connection.room = 1;
    push('x'.repeat(5000));
    await clock.idle();
    // Alone that is no offence: the reader had no time to read it.
    expect(events).toEqual([]);
    connection.pendingBytes = 400;
    push('x'.repeat(600));
    expect(events).toEqual([]);
    push('x');
    await clock.idle();
    push('x');
    push('x');
    expect(events).toEqual(['overflow']);
    expect([outbox.backlogBytes, total.bytes]).toEqual([0, 0]);
  });

  it('lets a reader take what one turn brought above the limit: in that turn nobody can read', async () => {
    const { clock, connection, outbox, push, events } = setUp(1000);
    connection.room = 1;
    push('x');
    await clock.idle();
    for (let n = 0; n < 10; n++) push('x'.repeat(1000));
    await clock.idle();
    expect(events).toEqual([]);
    connection.room = Infinity;
    outbox.drain();
    expect(connection.text).toHaveLength(10_001);
    await clock.advance(10_000);
    expect(events).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('does not let it have more before, nor wait for long', async () => {
    for (const late of [true, false]) {
      const { clock, connection, push, events } = setUp(1000);
      connection.room = 1;
      push('x');
      await clock.idle();
      push('x'.repeat(10_000));
      await clock.idle();
      if (late) await clock.advance(1000);
      else push('x');
      expect(events).toEqual(['overflow']);
    }
  });

  it('tells that all connections together wait for too much', async () => {
    const { clock, connection, push, events } = setUp(Infinity, 1000);
    connection.room = 1;
    push('1');
    await clock.idle();
    push('x'.repeat(1000));
    expect(events).toEqual([]);
    push('x');
    expect(events).toEqual(['total']);
  });

  it('finishes by handing over everything, in order, though it was asked to stop', async () => {
    const { clock, connection, outbox, push, total } = setUp();
    connection.room = 1;
    push('1');
    await clock.idle();
    push('2'.repeat(100_000));
    push('3');
    outbox.finish();
    push('never');
    await clock.idle();
    expect(connection.text).toBe(`1${'2'.repeat(100_000)}3`);
    expect(total.bytes).toBe(0);
  });

  it('finishes with what this turn brought', () => {
    const { connection, outbox, push } = setUp();
    push('1');
    outbox.finish();
    expect(connection.text).toBe('1');
  });

  it('sends nothing after it was closed', async () => {
    const { clock, connection, outbox, push, total } = setUp();
    push('1');
    outbox.close();
    push('2');
    await clock.idle();
    expect(connection.sent).toEqual([]);
    expect(total.bytes).toBe(0);
  });

  it('loses, repeats and reorders nothing, whatever the connection and the turns do', async () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.record({ push: fc.constantFrom(1, 3, 50, 5000, 20_000, 70_000) }) },
      { weight: 2, arbitrary: fc.constant('turn' as const) },
      { weight: 2, arbitrary: fc.record({ drain: fc.constantFrom(1, 100, 10_000, 200_000) }) },
      { weight: 1, arbitrary: fc.record({ foreign: fc.constantFrom(1, 30_000) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
        const { clock, connection, outbox, push, total, turn } = setUp();
        connection.room = 10_000;
        let expected = '';
        let next = 0;
        for (const step of actions) {
          if (step === 'turn') await clock.idle();
          else if ('push' in step) {
            const text = String.fromCharCode(33 + (next++ % 90)).repeat(step.push);
            expected += text;
            push(text);
          } else if ('foreign' in step) {
            // Another connection's frame lies in between.
            turn.sink.reserve(step.foreign);
            turn.sink.commit(step.foreign);
          } else if (outbox.blocked) {
            connection.room = step.drain;
            outbox.drain();
          }
          if (total.bytes !== outbox.backlogBytes) throw new Error('the total is not the sum');
          if (!expected.startsWith(connection.text)) throw new Error('not what was pushed');
        }
        await clock.idle();
        const waiting = outbox.backlogBytes;
        if (connection.text.length + waiting !== expected.length) throw new Error('the count is wrong');
        connection.room = Infinity;
        if (outbox.blocked) outbox.drain();
        await clock.idle();
        expect(connection.text).toBe(expected);
        expect(total.bytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('blocks', () => {
  it('never overlap, whatever the sizes, and a written range is never written again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 1, 100, 16_384, 16_385, 65_536, 100_000), { maxLength: 40, size: 'max' }),
        (sizes) => {
          const sink = new BlockSink();
          const written: { block: Uint8Array; start: number; length: number; value: number }[] = [];
          for (const [index, size] of sizes.entries()) {
            const value = index + 1;
            // More is reserved than is written, as codecs do.
            const start = sink.reserve(size + 10);
            sink.block.fill(value, start, start + size);
            sink.commit(size);
            expect(sink.position).toBe(start + size);
            written.push({ block: sink.block, start, length: size, value });
          }
          for (const { block, start, length, value } of written) {
            expect(block.subarray(start, start + length).every((byte) => byte === value)).toBe(true);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
