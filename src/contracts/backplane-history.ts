// What a backplane may keep of the past: logs of the channels that match a pattern, which are read from any place on.

import type { SpokeError } from './errors.js';
import type { Kept } from './kept.js';

/** What is kept as history, and how much. At least one of the limits must be given; past any of them the oldest goes. */
export interface HistoryRule {
  /** Canonical when it was read. Of several histories no two may have a channel in common. */
  readonly pattern: string;
  /** Milliseconds. */
  readonly maxAge?: number;
  readonly maxBytes?: number;
  readonly maxMessages?: number;
}

/** One message of a history. */
export interface HistoryEntry {
  /** As it was recorded. Never changed afterwards, and the receiver's own. */
  readonly data: Uint8Array;
  /** From 1 on, and growing, over all channels of the history. */
  readonly sequence: number;
  /** When the engine stored it, in milliseconds since the epoch. */
  readonly stored: number;
  /** How often it was given to somebody, this time included. */
  readonly deliveries: number;
}

/** Is told what is read. Calls never nest, and never come from inside a call to the reader. */
export interface HistoryHandler {
  entry(entry: HistoryEntry): void;
  /** All that was there when reading began was told. Once. */
  caughtUp(): void;
  /** Nothing more will come. A retryable error: open another reader. */
  ended(error: SpokeError): void;
}

/**
 * Where reading begins: at the oldest there is; with what is recorded from now on; with what was stored at a time or later
 * (milliseconds); with a sequence, or the next one there is. With another `epoch` than the history's a sequence says nothing: then
 * it is the oldest.
 */
export type HistoryFrom =
  | 'start'
  | 'new'
  | { readonly time: number }
  | { readonly sequence: number; readonly epoch?: string };

export interface HistoryReadOptions {
  /** Canonical; one of the histories has all of it. */
  readonly pattern: string;
  /** For a durable that there is already, it makes no difference. */
  readonly from: HistoryFrom;
  /** Reads under this name, 1 to 200 letters, together with all who do. What is done is remembered by the engine. */
  readonly durable?: string;
  readonly handler: HistoryHandler;
}

/**
 * Reads a history. It goes on by itself when the engine was away: no entry is missing, and of a reader without a name none comes twice.
 * May tell more than the pattern has (`Backplane.widened`).
 */
export interface HistoryReader {
  /** Of the history's numbers: another one when it began anew. */
  readonly epoch: string;
  /** Of one without a name: the sequence from which on it reads. */
  readonly next: number;
  /** So many entries more may be told. */
  more(count: number): void;
  /** Of a durable: an entry was handled, and is not told to anybody again. */
  done(sequence: number): void;
  /** Of a durable: an entry is to be told again, here or to another, after so many milliseconds. */
  again(sequence: number, delay: number): void;
  /** Of a durable: what is neither done nor given back is told to others at once. Idempotent. Never rejects. */
  close(): Promise<void>;
}

/** One durable subscription. */
export interface HistoryDurable {
  readonly name: string;
  /** Canonical. */
  readonly pattern: string;
  /** Entries that it has not been given yet. */
  readonly waiting: number;
  /** Entries that somebody has been given, and that are not done. */
  readonly unfinished: number;
}

/**
 * Milliseconds for which what a durable's reader has been given is its own; the reader prolongs that while it lives. So long it
 * takes when a broker is killed until others get what it had.
 */
export const HISTORY_LEASE = 30_000;

/** Entries of one durable that may be unfinished, over all its readers; what was given back counts until it comes again. */
export const HISTORY_UNFINISHED = 1000;

/** The part of a backplane that remembers. An engine that cannot need not have it. */
export interface BackplaneHistory {
  /** Canonical patterns of what is kept, by this broker's wish or another's. */
  readonly patterns: readonly string[];

  /** Whether messages on a channel are recorded. Asked for every message. */
  keeps(channel: string): boolean;

  /**
   * Publishes as `Backplane.publish` does, and keeps it in the history of its channel. Tried again until the engine has answered; what one
   * broker records stays in order.
   * @param id - the engine records one of those that come with the same id, for two minutes at least, or `maxAge` if that is less.
   * @returns rejects as `Backplane.keep`.
   */
  record(channel: string, data: Uint8Array, id: string): Promise<Kept>;

  /**
   * Begins to read; no entry is told before `more`.
   * @throws {SpokeError} `UNSUPPORTED`: no history has all of the pattern; `DUPLICATE`: the durable has another pattern;
   *   `STORE_FAILED`: the engine cannot be reached, or refuses.
   */
  read(options: HistoryReadOptions): Promise<HistoryReader>;

  /** All there are. @throws {SpokeError} `STORE_FAILED` */
  durables(): Promise<HistoryDurable[]>;

  /** Ends a durable: its readers end with `CLOSED`. @returns whether there was one. @throws {SpokeError} `STORE_FAILED` */
  remove(name: string): Promise<boolean>;
}
