// What JetStream refuses, in our words.

import { JetStreamApiError } from '@nats-io/jetstream';

import { SpokeError } from '../../../contracts/index.js';

const CONSUMER_NOT_FOUND = 10_014;
const STREAM_NOT_FOUND = 10_059;

export function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && [CONSUMER_NOT_FOUND, STREAM_NOT_FOUND].includes(error.code);
}

/** @param what - could not be done. */
export function storeFailed(what: string, cause: unknown): SpokeError {
  if (cause instanceof SpokeError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SpokeError('STORE_FAILED', `${what}: ${reason}`, { cause, retryable: true });
}
