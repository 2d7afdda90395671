// The connection of a backplane to a `MemoryEngine`, for what concerns history.

import type { Histories } from '../histories.js';
import type { PendingKeeps } from '../pending-keeps.js';
import type { Log } from './log.js';

/** What it needs of its backplane. */
export interface HistoryHost {
  readonly histories: Histories<Log>;
  readonly records: PendingKeeps;
  /** Has something done by the engine. Rejects with `STORE_FAILED` when the connection breaks before the answer. */
  ask<T>(run: () => T): Promise<T>;
  /** Sends something to the engine, and something back; lost when the connection breaks. */
  send(run: () => void): void;
  deliver(bytes: number, run: () => void): void;
}
