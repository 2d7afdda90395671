// What joins many brokers: an engine that others operate, or nothing at all.

import type { BackplaneHistory } from './backplane-history.js';
import type { Clock } from './clock.js';
import type { SpokeError } from './errors.js';
import type { Kept } from './kept.js';
import type { Logger } from './logger.js';

/** What a backplane tells its broker. Calls never nest, and never come from inside a call to the backplane. */
export interface BackplaneHandler {
  /**
   * A message of another broker: at most once, or again, or one that nobody asked for; what one broker published comes in order.
   * @param data - as it was published. Never changed afterwards, and the receiver's own.
   */
  message(data: Uint8Array): void;

  /**
   * What is kept last on a channel: first all there is, then each change, those of this broker as well, in the order of their
   * revisions. After an interruption it goes on where it stopped; what was replaced meanwhile is left out.
   * @param revision - grows with each change, over all channels.
   */
  kept(channel: string, data: Uint8Array, revision: number): void;

  /** Something that another broker told to all, or to this one. */
  told(data: Uint8Array): void;

  /** What was told to one was heard by nobody: that broker has left, or is cut off. */
  unheard(id: string): void;

  /**
   * The engine is there, or is not: then nothing is exchanged, what is to be kept waits, and the backplane tries again for ever. With
   * `true`, all patterns are subscribed to again.
   */
  reachable(reachable: boolean): void;

  /** The engine came back without what it had kept: revisions begin anew, and whoever has a copy may keep it again. */
  emptied(): void;
}

export interface BackplaneOptions {
  /** The broker's id: nobody else has it. */
  readonly id: string;
  readonly handler: BackplaneHandler;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Bytes that may wait for the engine; see `publish`. */
  readonly pendingBytes: number;
  /** Aborts the opening. */
  readonly signal: AbortSignal;
}

export interface KeepOptions {
  /** The engine keeps one of those that come with the same id, for two minutes at least. */
  readonly id: string;
  /** Only if the channel's last revision is this one; 0: if it has none. */
  readonly after?: number;
}

/** A snapshot of what crosses. Counts are since the start. */
export interface BackplaneStats {
  /** `nats`, `memory`, `local`. */
  readonly kind: string;
  /** Whether the engine can be reached now. */
  readonly reachable: boolean;
  /** Which engine, for people: `nats-server 2.9.10`. */
  readonly engine: string;
  readonly sent: number;
  readonly received: number;
  /** Live messages that were not sent, because the engine was away or too slow. */
  readonly dropped: number;
  /** Bytes that the engine has not confirmed. */
  readonly pendingBytes: number;
}

/**
 * Joins brokers to one network. Delivers at most once, may repeat, may deliver more than was asked for, never echoes what is
 * published; the broker matches again and drops repeats. The order of one broker's messages, live and kept, is that in which it
 * published them.
 *
 * Made for one broker, which opens and closes it. `spoke/testing` has the suite that an implementation has to pass.
 */
export interface Backplane {
  /** `false`: there are no other brokers, and nothing but `open`, `close` and `stats` is ever called. */
  readonly joins: boolean;
  readonly stats: BackplaneStats;
  /** What it remembers of the past; absent: nothing. */
  readonly history?: BackplaneHistory | undefined;

  /**
   * Joins. Resolves when all that is kept was told.
   * @throws {SpokeError} `CONNECT_FAILED`; `UNSUPPORTED`: this engine cannot do what is needed, the text says what; `UNAUTHENTICATED`; `ABORTED`.
   */
  open(options: BackplaneOptions): Promise<void>;

  /** Why a message cannot cross: its channel or its data are too long for the engine. Asked for every message. */
  refuses(channel: string, bytes: number): SpokeError | undefined;

  /** The pattern that the engine will really match in place of a canonical one: the same, or one that includes it. */
  widened(pattern: string): string;

  /** Asks for messages, of which `widened` gave the pattern. Each once. */
  subscribe(pattern: string): void;
  unsubscribe(pattern: string): void;

  /** Resolves when what was subscribed before has taken effect; while the engine is away, at once. Never rejects. */
  flush(): Promise<void>;

  /** Publishes a live message. `data` is the backplane's from here on. Dropped and counted while the engine is away or too slow. */
  publish(channel: string, data: Uint8Array): void;

  /**
   * Publishes a message, and keeps it in place of what the channel had. Tried again until the engine has answered.
   * @returns rejects with `STORE_FAILED`: the engine refused, or too much waits, or it did not answer in time; it may be kept all
   *   the same then.
   */
  keep(channel: string, data: Uint8Array, options: KeepOptions): Promise<Kept>;

  /** What is kept on a channel need not be kept any more, up to this revision; nobody is told. */
  forget(channel: string, revision: number): void;

  /** Tells something to all other brokers, or to one. As `publish`; what nobody hears is told to `unheard`. */
  tell(data: Uint8Array, to?: string): void;

  /** Leaves, after sending what waits, if that is possible at once. Idempotent. */
  close(): Promise<void>;
}
