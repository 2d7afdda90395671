import { describe, expect, it } from '@jest/globals';

import type { Changes } from '../../../../src/stores/lmdb/group-commit.js';
import { GroupCommit } from '../../../../src/stores/lmdb/group-commit.js';

/** A disk that finishes a transaction when it is told to. */
class Disk {
  readonly transactions: [number, string | undefined][][] = [];
  #settle: ((error?: Error) => void) | undefined;
  #begun: (() => void) | undefined;

  readonly commit = async (changes: Changes<string>): Promise<void> => {
    this.transactions.push([...changes].sort(([a], [b]) => a - b));
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error));
      this.#begun?.();
    });
  };

  /** Waits for the next transaction, and ends it. */
  async end(error?: Error): Promise<void> {
    if (this.#settle === undefined) await new Promise<void>((resolve) => (this.#begun = resolve));
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(error);
  }
}

const full = new Error('full');
const outcome = async (promise: Promise<void>) => promise.then(() => 'durable', String);

describe('a group commit', () => {
  it('writes what came in one turn in one transaction, and the last of each place', async () => {
    const disk = new Disk();
    const writes = new GroupCommit(disk.commit);
    const promises = [writes.write(1, 'a'), writes.write(2, 'b'), writes.write(1, 'c'), writes.write(3, undefined)];
    expect(disk.transactions).toEqual([]);
    await disk.end();
    await Promise.all(promises);
    expect(disk.transactions).toEqual([
      [
        [1, 'c'],
        [2, 'b'],
        [3, undefined],
      ],
    ]);
  });

  it('gathers what comes while the disk is busy, and tells no one before it is there', async () => {
    const disk = new Disk();
    const writes = new GroupCommit(disk.commit);
    const told: string[] = [];
    const first = writes.write(1, 'a').then(() => told.push('first'));
    while (disk.transactions.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const others = [writes.write(2, 'b'), writes.write(3, 'c')].map((done) => done.then(() => told.push('other')));
    expect(told).toEqual([]);
    await disk.end();
    await first;
    expect(told).toEqual(['first']);
    await disk.end();
    await Promise.all(others);
    expect(disk.transactions.map((changes) => changes.length)).toEqual([1, 2]);
  });

  it('tells everyone whose transaction failed, and writes it with the next one', async () => {
    const disk = new Disk();
    const writes = new GroupCommit(disk.commit);
    const failed = [writes.write(1, 'a'), writes.write(2, 'b')].map(outcome);
    await disk.end(full);
    expect(await Promise.all(failed)).toEqual(['Error: full', 'Error: full']);
    const next = writes.write(2, 'newer');
    await disk.end();
    await next;
    expect(disk.transactions.at(-1)).toEqual([
      [1, 'a'],
      [2, 'newer'],
    ]);
    const last = writes.write(4, 'd');
    await disk.end();
    await last;
    expect(disk.transactions.at(-1)).toEqual([[4, 'd']]);
  });

  it('does no harm when nobody waits for a write that fails', async () => {
    const disk = new Disk();
    const writes = new GroupCommit(disk.commit);
    void writes.write(1, 'a');
    await disk.end(full);
    await writes.settled();
  });

  it('is settled when everything was tried', async () => {
    const disk = new Disk();
    const writes = new GroupCommit(disk.commit);
    await writes.settled();
    const promise = outcome(writes.write(1, 'a'));
    const settled = writes.settled();
    await disk.end(full);
    await settled;
    expect(await promise).toBe('Error: full');
  });
});
