// Names and bodies of the control messages about history (docs/protocol.md#feature-history).

import { memberOf } from './kept-control.js';

/** Client to broker: what became of messages, and how many more it has room for. */
export const HANDLED = '-control/handled';
/** Broker to that client alone: how far a reading is. */
export const HISTORY = '-control/history';

/** Head key of a message that is read: `markOf`. */
export const HISTORY_KEY = '-history';

/** Of a durable's name, in UTF-16 units. */
export const DURABLE_NAME_LENGTH = 128;
/** Messages that one reading may have in flight at the most. */
export const MAX_WINDOW = 1000;

/** Where reading begins, on the wire: times in seconds. */
export type FromBody =
  | 'start'
  | 'new'
  | { readonly time: number }
  | { readonly sequence: number; readonly epoch?: string };

/** `history.open` */
export interface OpenBody {
  /** Chosen by the client; names the reading on this connection. */
  readonly n: number;
  readonly pattern: string;
  readonly from: FromBody;
  readonly window: number;
  readonly durable?: string;
  /** It ends with what was there when it began. */
  readonly end: boolean;
  /** It ends before what was stored later; seconds. */
  readonly until?: number;
}

/** The answer to `history.open`. */
export interface OpenedBody {
  readonly epoch: string;
  /** Sequence from which on it reads, without a durable. */
  readonly next: number;
}

export interface HandledBody {
  readonly n: number;
  /** Of a durable: sequences that need not come again, as ranges. */
  readonly done: readonly (readonly [from: number, to: number])[];
  /** Of a durable: sequences that are to come again after so many milliseconds. */
  readonly again: readonly (readonly [sequence: number, delay: number])[];
  readonly more: number;
}

export interface HistoryBody {
  readonly n: number;
  /** All that was there when it began has been sent. */
  readonly caughtUp?: boolean;
  /** Nothing more will come: `null` as it was asked for. */
  readonly ended?: { readonly code: string; readonly message: string; readonly again: boolean } | null;
}

export interface DurableBody {
  readonly name: string;
  readonly pattern: string;
  /** Messages that it has not been given yet. */
  readonly waiting: number;
  /** Messages that some client has been given, and that are not done. */
  readonly unfinished: number;
}

/** What a message that is read carries in `HISTORY_KEY`. Nobody else can write it: the nonce is known to that client and its broker only. */
export function markOf(nonce: string, n: number, sequence: number, deliveries: number): string {
  return `${nonce}/${n}/${sequence}/${deliveries}`;
}

export interface Mark {
  readonly n: number;
  readonly sequence: number;
  readonly deliveries: number;
}

/** `undefined`: it is none of this nonce. */
export function readMark(mark: unknown, nonce: string): Mark | undefined {
  if (typeof mark !== 'string' || nonce === '' || !mark.startsWith(`${nonce}/`)) return undefined;
  const [n = NaN, sequence = NaN, deliveries = NaN] = mark
    .slice(nonce.length + 1)
    .split('/')
    .map(Number);
  return { n, sequence, deliveries };
}

/** `undefined` when it is none. */
export function readOpen(body: unknown): OpenBody | undefined {
  const n = memberOf(body, 'n');
  const pattern = memberOf(body, 'pattern');
  const from = readFrom(memberOf(body, 'from') ?? 'new');
  const window = memberOf(body, 'window');
  const durable = memberOf(body, 'durable');
  const until = memberOf(body, 'until');
  if (!isCount(n) || typeof pattern !== 'string' || from === undefined) return undefined;
  if (!isCount(window) || window < 1 || window > MAX_WINDOW) return undefined;
  if (!(durable === undefined || isDurableName(durable))) return undefined;
  if (!(until === undefined || isTime(until))) return undefined;
  return {
    n,
    pattern,
    from,
    window,
    end: memberOf(body, 'end') === true,
    ...(durable !== undefined && { durable }),
    ...(until !== undefined && { until }),
  };
}

export function isDurableName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= DURABLE_NAME_LENGTH;
}

/** `undefined` when it is none. */
export function readOpened(body: unknown): OpenedBody | undefined {
  const epoch = memberOf(body, 'epoch');
  const next = memberOf(body, 'next');
  return typeof epoch === 'string' && isCount(next) ? { epoch, next } : undefined;
}

/** `undefined` when it is none. */
export function readHandled(body: unknown): HandledBody | undefined {
  const n = memberOf(body, 'n');
  const done = memberOf(body, 'done');
  const again = memberOf(body, 'again');
  const more = memberOf(body, 'more');
  if (!isCount(n) || !isCount(more) || !isPairs(done) || !isPairs(again)) return undefined;
  return { n, done, again, more };
}

/** `undefined` when it is none. */
export function readHistory(body: unknown): HistoryBody | undefined {
  const n = memberOf(body, 'n');
  if (!isCount(n)) return undefined;
  const ended = memberOf(body, 'ended');
  if (ended === null) return { n, ended };
  const code = memberOf(ended, 'code');
  const message = memberOf(ended, 'message');
  if (typeof code === 'string' && typeof message === 'string') {
    return { n, ended: { code, message, again: memberOf(ended, 'again') === true } };
  }
  return { n, caughtUp: memberOf(body, 'caughtUp') === true };
}

/** `undefined` when they are none. */
export function readDurables(list: unknown): DurableBody[] | undefined {
  return Array.isArray(list) && list.every(isDurable) ? list : undefined;
}

function readFrom(from: unknown): FromBody | undefined {
  if (from === 'start' || from === 'new') return from;
  const time = memberOf(from, 'time');
  if (isTime(time)) return { time };
  const sequence = memberOf(from, 'sequence');
  const epoch = memberOf(from, 'epoch');
  if (!isCount(sequence)) return undefined;
  return { sequence, ...(typeof epoch === 'string' && { epoch }) };
}

function isDurable(value: unknown): value is DurableBody {
  return (
    typeof memberOf(value, 'name') === 'string' &&
    typeof memberOf(value, 'pattern') === 'string' &&
    isCount(memberOf(value, 'waiting')) &&
    isCount(memberOf(value, 'unfinished'))
  );
}

// Of a date, which ends in the year 275760.
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e12;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0;
}

// No more than one reading has in flight: each is looked for among all that is.
function isPairs(value: unknown): value is [number, number][] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_WINDOW &&
    value.every((pair) => Array.isArray(pair) && pair.length === 2 && isCount(pair[0]) && isCount(pair[1]))
  );
}
