// The package `lmdb`, as far as a store needs it: one database of binary records, opened late, written in transactions.

import { join } from 'node:path';

import type * as Lmdb from 'lmdb';

import { SpokeError } from '../../contracts/index.js';

/** One open database. */
export interface Environment {
  /** All records, in the order of their keys. Both are only valid until the next one. */
  records(): Iterable<{ readonly key: Buffer; readonly value: Buffer }>;
  /**
   * Writes and deletes (`undefined`) in one transaction, and resolves when the disk has it.
   * Called again only when the call before has settled.
   */
  commit(changes: Iterable<readonly [key: Buffer, value: Buffer | undefined]>): Promise<void>;
  close(): Promise<void>;
}

/** Where LMDB keeps the data in its folder. */
export function dataPath(folder: string): string {
  return join(folder, 'data.mdb');
}

/**
 * Opens or makes the database of a folder.
 * @throws {SpokeError} `STORE_FAILED`: the package is missing.
 */
export async function openEnvironment(folder: string): Promise<Environment> {
  const { open } = await load();
  const database = open<Buffer, Buffer>({
    path: folder,
    encoding: 'binary',
    keyEncoding: 'binary',
    // A commit is done when it is on the disk, not before.
    overlappingSync: false,
    // Groups are ours. LMDB's own would reject a promise that nobody has when a commit fails, and that ends the process.
    eventTurnBatching: false,
    cache: false,
  });
  return {
    records: () => database.getRange({ snapshot: false }),
    async commit(changes) {
      try {
        await database.batch(() => {
          for (const [key, value] of changes) {
            if (value === undefined) void database.remove(key);
            else void database.put(key, value);
          }
        });
      } catch (error) {
        throw await reasonOf(error);
      }
    },
    close: async () => database.close(),
  };
}

async function load(): Promise<typeof Lmdb> {
  try {
    return await import('lmdb');
  } catch (cause) {
    const text = 'a store that lasts needs the package lmdb, which cannot be loaded here: npm install lmdb';
    throw new SpokeError('STORE_FAILED', text, { cause });
  }
}

// The reason of a commit that failed is another rejection of the same turn, and nobody else takes care of it.
async function reasonOf(error: unknown): Promise<unknown> {
  if (typeof error !== 'object' || error === null || !('commitError' in error)) return error;
  try {
    await Promise.race([error.commitError, new Promise((resolve) => setImmediate(resolve))]);
    return error;
  } catch (reason) {
    return reason;
  }
}
