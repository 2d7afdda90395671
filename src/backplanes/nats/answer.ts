// What JetStream says of a message that it was to keep.

import type { Msg } from '@nats-io/transport-node';

import type { Kept } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

const UNAVAILABLE = 503;
const WRONG_LAST_SEQUENCE = 10_071;

interface Answer {
  readonly duplicate?: boolean;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

/** `again`: not now, because nobody answers for the stream. */
export function readAnswer(message: Msg): Kept | SpokeError | 'again' {
  if (message.data.length === 0) return 'again';
  let answer: Answer;
  try {
    answer = message.json<Answer>();
  } catch (cause) {
    return new SpokeError('STORE_FAILED', 'the answer of JetStream cannot be read', { cause, retryable: true });
  }
  const { error } = answer;
  if (error === undefined) return { fresh: answer.duplicate !== true };
  if (error.err_code === WRONG_LAST_SEQUENCE) return { fresh: false };
  if (error.code === UNAVAILABLE) return 'again';
  const text = `JetStream does not keep it: ${error.description ?? 'no reason given'}`;
  return new SpokeError('STORE_FAILED', text, { details: { code: error.err_code ?? 0 } });
}
