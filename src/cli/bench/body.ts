// What is sent: bodies of an exact length that carry a number, for what is lost, and a time, for how long they took.

import { EXIT, ReportedError } from '../failure.js';

// Numbers have ten digits and times sixteen, so that all bodies are equally long.
export const FIRST_NUMBER = 1e9;
/** The time of a message that is sent, and not measured. */
export const UNMEASURED = 1e15;

export interface Body {
  /** Counts up, for each connection that publishes. */
  readonly n: number;
  /** When it was to be sent, by the clock of `clockFrom`. */
  readonly at: number;
  readonly pad: string;
}

export const LEAST_PAYLOAD = JSON.stringify({ n: FIRST_NUMBER, at: UNMEASURED, pad: '' }).length;

/** The padding that makes a body's JSON text so many bytes long. */
export function padding(payload: number): string {
  return 'x'.repeat(payload - LEAST_PAYLOAD);
}

/** @throws {ReportedError} `LOST` when it is nothing that `spoke-bench` sends. */
export function readBody(value: unknown): Body {
  if (typeof value === 'object' && value !== null && 'n' in value && 'at' in value && 'pad' in value) {
    const { n, at, pad } = value;
    if (typeof n === 'number' && typeof at === 'number' && typeof pad === 'string') return { n, at, pad };
  }
  throw lost('a message came that spoke-bench did not send');
}

/** Messages did not arrive, or not as they were sent. */
export function lost(text: string): ReportedError {
  return new ReportedError({ code: 'LOST', message: text, exitCode: EXIT.FAILED });
}

/** Nanoseconds, whole, above `UNMEASURED`; the same in all threads that are given the same `epoch` (`process.hrtime`). */
export function clockFrom(epoch: bigint): () => number {
  return () => UNMEASURED + 1 + Number(process.hrtime.bigint() - epoch);
}
