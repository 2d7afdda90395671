// Chunks whose messages are dear are handled in pieces, so that others come in between.

import { beforeEach, describe, expect, it } from '@jest/globals';

import { Pieces } from '../../../src/link/pieces.js';

const KIB = 1024;

/** Milliseconds that a KiB takes. */
let cost: number;
let now: number;
let turns: (() => void)[];
let handled: Uint8Array[];
let waiting: boolean;
let pieces: Pieces;

beforeEach(() => {
  [cost, now, turns, handled, waiting] = [0, 0, [], [], false];
  pieces = new Pieces({
    clock: { monotonic: () => now, defer: (callback) => turns.push(callback) },
    take: (bytes) => {
      handled.push(bytes.slice());
      now += (bytes.length / KIB) * cost;
    },
    wait: () => (waiting = true),
    goOn: () => (waiting = false),
  });
});

/** Bytes that can be told from each other. */
const chunk = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

function turn(): void {
  for (const callback of turns.splice(0)) callback();
}

const sizes = () => handled.map(({ length }) => length / KIB);
const all = () => Buffer.concat(handled);

describe('what one connection brings', () => {
  it('is handled whole while it is cheap', () => {
    cost = 0.05;
    for (let n = 0; n < 3; n++) pieces.push(chunk(64 * KIB));
    expect(sizes()).toEqual([64, 64, 64]);
    expect(waiting).toBe(false);
  });

  it('is handled in pieces of two milliseconds when it was dear, one in a turn, and nothing more is read meanwhile', () => {
    cost = 0.2;
    pieces.push(chunk(64 * KIB));
    handled = [];
    pieces.push(chunk(64 * KIB));
    expect(sizes()).toEqual([10]);
    expect(pieces.pendingBytes).toBe(54 * KIB);
    turn();
    expect(sizes()).toEqual([10, 10]);
    while (turns.length > 0) {
      expect(waiting).toBe(true);
      turn();
    }
    expect(waiting).toBe(false);
    expect(pieces.pendingBytes).toBe(0);
    expect(all().equals(chunk(64 * KIB))).toBe(true);
  });

  it('keeps its order when more was under way, though the memory of a chunk is written again', () => {
    cost = 0.2;
    pieces.push(chunk(64 * KIB));
    handled = [];
    const memory = chunk(64 * KIB);
    pieces.push(memory);
    memory.fill(255);
    pieces.push(chunk(10, 64 * KIB));
    while (turns.length > 0) turn();
    expect(all().equals(chunk(64 * KIB + 10))).toBe(true);
  });

  it('is handled whole again when it is cheap again', () => {
    cost = 1;
    pieces.push(chunk(64 * KIB));
    cost = 0.01;
    for (let n = 0; n < 20; n++) {
      pieces.push(chunk(64 * KIB));
      while (turns.length > 0) turn();
    }
    handled = [];
    pieces.push(chunk(64 * KIB));
    expect(sizes()).toEqual([64]);
  });

  it('is never cut into crumbs, however dear it is', () => {
    cost = 100;
    pieces.push(chunk(64 * KIB));
    handled = [];
    pieces.push(chunk(64 * KIB));
    turn();
    pieces.finish();
    expect(sizes()).toEqual([0.5, 0.5, 63]);
  });

  it('is handled to its end when the connection ends, and then no more', () => {
    cost = 0.2;
    pieces.push(chunk(64 * KIB));
    handled = [];
    pieces.push(chunk(64 * KIB));
    pieces.finish();
    expect(all().equals(chunk(64 * KIB))).toBe(true);
    handled = [];
    turn();
    expect(handled).toEqual([]);
  });

  it('is forgotten when this side gives up', () => {
    cost = 0.2;
    for (let n = 0; n < 2; n++) pieces.push(chunk(64 * KIB));
    handled = [];
    pieces.drop();
    turn();
    pieces.finish();
    expect(handled).toEqual([]);
    expect(pieces.pendingBytes).toBe(0);
  });
});
