/**
 * What it costs to queue a frame for a connection and to hand a turn's worth of them over: nanoseconds a frame, with a
 * connection that does nothing.
 *
 * npm run bench:micro -- outbox
 */
import type { Clock, Connection } from '../../../src/contracts/index.js';
import { blockOutboxes, Turn } from '../../../src/link/index.js';

const FRAME = 200;
const FRAMES_PER_TURN = 200;
const ROUNDS = 9;

/** Keeps results alive, so that nothing measured is optimised away. */
let sent = 0;

let flush: () => void = () => {};
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: () => () => {},
  defer(action) {
    flush = action;
  },
};

function connection(accepts: boolean): Connection {
  return {
    boundaries: 'stream',
    peer: { address: 'nowhere' },
    pendingBytes: 0,
    start() {},
    send(chunk) {
      sent += chunk.length;
      return accepts;
    },
    pause() {},
    resume() {},
    close() {},
    abort() {},
  };
}

/** @param blocks - how many blocks a turn's frames lie in: with one, all ranges of a connection merge. */
function measure(name: string, receivers: number, blocks: number, everyOther: boolean): void {
  const turn = new Turn(clock);
  const make = blockOutboxes(turn);
  const outboxes = Array.from({ length: receivers }, () => make(connection(true), () => {}));
  const memory = Array.from({ length: blocks }, () => new Uint8Array(FRAME * FRAMES_PER_TURN));
  const turns = Math.ceil(40_000 / receivers);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < turns; i++) {
      for (let frame = 0; frame < FRAMES_PER_TURN; frame++) {
        const block = memory[frame % blocks];
        if (block === undefined) continue;
        const at = frame * FRAME;
        for (const [index, outbox] of outboxes.entries()) {
          // What others get in between keeps ranges apart.
          if (everyOther && (frame + index) % 2 === 0) continue;
          outbox.push(block, at, at + FRAME);
        }
      }
      flush();
    }
    const frames = turns * FRAMES_PER_TURN * receivers * (everyOther ? 0.5 : 1);
    // The first rounds compile the code.
    if (round > 1) best = Math.min(best, Number(process.hrtime.bigint() - start) / frames);
  }
  report(name, best);
}

/** A connection that has said stop: frames are copied behind each other. */
function measureBlocked(): void {
  let best = Infinity;
  const block = new Uint8Array(FRAME * FRAMES_PER_TURN);
  for (let round = 0; round < ROUNDS * 5; round++) {
    const outbox = blockOutboxes(new Turn(clock))(connection(false), () => {});
    outbox.push(block, 0, FRAME);
    flush();
    const start = process.hrtime.bigint();
    for (let frame = 0; frame < 20_000; frame++) {
      const at = (frame % FRAMES_PER_TURN) * FRAME;
      outbox.push(block, at, at + FRAME);
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 20_000);
    outbox.close();
  }
  report('kept for a connection that stalls, copied', best);
}

function report(name: string, nanoseconds: number): void {
  console.log(`${name.padEnd(58)}${nanoseconds.toFixed(1).padStart(10)} ns`);
}

console.log(`frames of ${FRAME} bytes, ${FRAMES_PER_TURN} a turn`);
measure('1 connection, its ranges merge', 1, 1, false);
measure('1 connection, every other frame', 1, 1, true);
measure('50 connections, all the same', 50, 1, false);
measure('50 connections, every other frame', 50, 1, true);
measureBlocked();
console.log(`\nNode ${process.version}, ${sent > 0 ? 'done' : 'nothing measured'}`);
