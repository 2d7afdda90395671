// Where a broker keeps persistent messages.

/** One kept message. Immutable; a newer one replaces the whole object. */
export interface StoredMessage {
  /** Canonical. */
  readonly channel: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** Name of the codec that wrote `frame`. */
  readonly codec: string;
  /** The complete frame as it is forwarded, framing included. Read-only, and owned by the store. */
  readonly frame: Uint8Array;
  /** Seconds since the epoch, when the broker is to forget it; absent: never. The store only remembers it. */
  readonly expires?: number;
}

/**
 * The last persistent message of every channel. Reads are synchronous, because a broker answers a subscription in
 * the turn in which it arrived; writing may be durable later.
 *
 * Writes become durable in the order in which they were made, and those that follow each other without anything awaited
 * in between all together or not at all.
 */
export interface MessageStore {
  /** Number of messages kept. */
  readonly size: number;
  /** Bytes of their frames. */
  readonly bytes: number;

  /**
   * Makes the store ready. Called once, before anything else.
   * @throws {SpokeError} `STORE_FAILED`
   */
  open(): Promise<void>;

  get(channel: string): StoredMessage | undefined;

  /**
   * Keeps a message in place of the one its channel had. `get` and `match` see it at once.
   * Comparing times and holding limits is the caller's duty.
   * @returns a promise that resolves when the message is as durable as the store makes it, and rejects with
   *   `STORE_FAILED` when it could not be (reads still show it then, and later writes try to make it durable with them);
   *   `undefined` when it already is.
   */
  put(message: StoredMessage): Promise<void> | undefined;

  /** Forgets a channel. Same promise as `put`. */
  delete(channel: string): Promise<void> | undefined;

  /**
   * Messages whose channel matches a canonical pattern, in the order in which their channels were first kept
   * (an update does not move a channel). A snapshot: later changes do not show.
   */
  match(pattern: string): readonly StoredMessage[];

  /**
   * Remembers a few bytes for the broker itself, such as which publishes were applied; `undefined` forgets them. Not
   * among `size`, `bytes` and `match`. Same promise as `put`.
   * @param key - any text.
   */
  note(key: string, value: Uint8Array | undefined): Promise<void> | undefined;

  /** All notes, in any order. */
  notes(): Iterable<readonly [key: string, value: Uint8Array]>;

  /** Makes everything durable and frees what is held. Idempotent. */
  close(): Promise<void>;
}
