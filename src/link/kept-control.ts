// Names and bodies of the control messages about kept messages (docs/protocol.md#feature-kept).

/** Broker to that client alone: what follows on this connection, up to the next one of these, is kept messages of a pattern. */
export const KEPT = '-control/kept';
/** Broker to that client alone, and between brokers and bridges: messages that are kept no more. */
export const CLEARED = '-control/cleared';

/** Entries of one `CLEARED` at the most. */
export const CLEARED_ENTRIES = 1000;
/** Entries of one reply to `kept.list` at the most. */
export const LIST_ENTRIES = 10_000;

export interface KeptBody {
  /** Canonical. */
  readonly pattern: string;
  /** `true`: they begin here; `false`: they end here. */
  readonly more: boolean;
  /** At an end: whether these were all. */
  readonly complete?: boolean;
}

/** What was cleared, and up to which time of the message: newer ones are not meant. */
export type ClearedEntry = readonly [channel: string, time: number];

export interface ClearedBody {
  readonly cleared: readonly ClearedEntry[];
}

/** A kept message, without its body. */
export interface KeptEntry {
  readonly channel: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** Of its frame, as it is kept. */
  readonly bytes: number;
  /** Seconds since the epoch, when it will be cleared; absent: never. */
  readonly expires?: number;
}

/** Head key: the broker forgets a persistent message so many seconds after its time. */
export const TTL_KEY = '-ttl';

/** `undefined` when it is none. */
export function readKept(body: unknown): KeptBody | undefined {
  const pattern = memberOf(body, 'pattern');
  const more = memberOf(body, 'more');
  if (typeof pattern !== 'string' || typeof more !== 'boolean') return undefined;
  return { pattern, more, complete: memberOf(body, 'complete') === true };
}

/** `undefined` when it is none. */
export function readCleared(body: unknown): ClearedBody | undefined {
  const cleared = memberOf(body, 'cleared');
  return Array.isArray(cleared) && cleared.every(isCleared) ? { cleared } : undefined;
}

/** `undefined` when it is none. */
export function readEntry(body: unknown): KeptEntry | undefined {
  const channel = memberOf(body, 'channel');
  const time = memberOf(body, 'time');
  const bytes = memberOf(body, 'bytes');
  const expires = memberOf(body, 'expires');
  if (typeof channel !== 'string' || typeof time !== 'number' || typeof bytes !== 'number') return undefined;
  return { channel, time, bytes, ...(typeof expires === 'number' && { expires }) };
}

function isCleared(value: unknown): value is ClearedEntry {
  return Array.isArray(value) && typeof value[0] === 'string' && Number.isFinite(value[1]);
}

/** A member of what may be no object. */
export function memberOf(body: unknown, key: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
}
