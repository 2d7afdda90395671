// What the parts of a history in a `MemoryEngine` know of each other.

import type { HistoryEntry, SpokeError } from '../../contracts/index.js';

export interface Recorded {
  readonly channel: string;
  readonly data: Uint8Array;
  readonly sequence: number;
  readonly stored: number;
}

/** Somebody who reads, as the engine sees it while the connection lasts. */
export interface Reading {
  readonly pattern: string;
  readonly durable: string | undefined;
  /** Where it is; of a durable the engine knows. */
  next: number;
  /** So many entries may be told. */
  room: number;
  /** The last of what was there when it began; `undefined` once that was told. */
  until: number | undefined;
  tell(entry: HistoryEntry): void;
  caughtUp(): void;
  ended(error: SpokeError): void;
}

/** A log, as its durables see it. */
export interface DurableLog {
  /** The last sequence. */
  readonly last: number;
  get(sequence: number): Recorded | undefined;
  /** The next that matches, from a sequence on. */
  after(sequence: number, pattern: string): Recorded | undefined;
}
