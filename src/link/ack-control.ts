// Names and bodies of the control messages of acknowledged publishes (docs/protocol.md#feature-ack).

import type { ErrorBody } from './control.js';
import { readError } from './control.js';

/** Broker to that client alone: which of its numbered messages are done, and which failed. */
export const ACK = '-control/ack';
/** Client to broker: which of its messages it still waits for, because one of them may have been refused unread. */
export const WAITING = '-control/waiting';

/** First and last number, both included. */
export type Range = readonly [from: number, to: number];

/** The answer to one message that was not applied. */
export interface FailedBody extends ErrorBody {
  readonly n: number;
}

export interface AckBody {
  readonly done: readonly Range[];
  readonly failed: readonly FailedBody[];
}

export interface WaitingBody {
  readonly origin: string;
  readonly waiting: readonly Range[];
}

/** `undefined` when it is none. */
export function readAck(body: unknown): AckBody | undefined {
  const done = rangesAt(body, 'done');
  const failed: unknown = memberOf(body, 'failed');
  if (done === undefined || !Array.isArray(failed)) return undefined;
  return { done, failed: failed.flatMap(readFailed) };
}

/** `undefined` when it is none. */
export function readWaiting(body: unknown): WaitingBody | undefined {
  const waiting = rangesAt(body, 'waiting');
  const origin: unknown = memberOf(body, 'origin');
  return waiting === undefined || typeof origin !== 'string' ? undefined : { origin, waiting };
}

function readFailed(body: unknown): FailedBody[] {
  const error = readError(body);
  const n: unknown = memberOf(body, 'n');
  return error === undefined || typeof n !== 'number' ? [] : [{ ...error, n }];
}

function rangesAt(body: unknown, key: string): readonly Range[] | undefined {
  const ranges: unknown = memberOf(body, key);
  return Array.isArray(ranges) && ranges.every(isRange) ? ranges : undefined;
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && isNumber(value[0]) && isNumber(value[1]) && value[0] <= value[1];
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function memberOf(body: unknown, key: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
}

/** The numbers as few ranges. @param numbers - ascending. */
export function rangesOf(numbers: Iterable<number>): Range[] {
  const ranges: [number, number][] = [];
  for (const n of numbers) {
    const last = ranges.at(-1);
    if (last === undefined || n > last[1] + 1) ranges.push([n, n]);
    else last[1] = n;
  }
  return ranges;
}
