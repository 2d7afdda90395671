// Stores by URL, as options and commands name them.

import type { MessageStore } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { LmdbStore } from './lmdb/index.js';
import { MemoryStore } from './memory/memory-store.js';

/**
 * Makes the store that a URL names; it is not open yet.
 * @param url - `lmdb:FOLDER` (relative to the working directory, or absolute), or `memory:`.
 * @throws {SpokeError} `UNKNOWN_SCHEME`, `ADDRESS_INVALID`.
 */
export function storeAt(url: string): MessageStore {
  const colon = url.indexOf(':');
  const scheme = colon < 0 ? '' : url.slice(0, colon);
  const rest = url.slice(colon + 1);
  if (scheme === 'memory' && rest === '') return new MemoryStore();
  if (scheme !== 'lmdb') {
    throw new SpokeError('UNKNOWN_SCHEME', `no store serves '${url}'; there are: lmdb:FOLDER, memory:`, {
      details: { store: url },
    });
  }
  if (rest === '') throw new SpokeError('ADDRESS_INVALID', `'${url}' names no folder, as lmdb:./data does`);
  return new LmdbStore(rest);
}
