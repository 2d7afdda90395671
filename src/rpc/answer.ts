// How an answer is sent.

import type { BaseClient } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import type { Reply } from './reply.js';

/** What a procedure returned, as a reply. */
export function okay(result: unknown): { readonly okay: unknown } {
  // JSON would leave the member out, and with it the answer.
  if (typeof result === 'function' || typeof result === 'symbol')
    throw new TypeError(unsendable(`a ${typeof result} is no data`));
  return { okay: result ?? null };
}

/** Publishes a result, or that it cannot be sent. */
export async function sendReply(client: BaseClient, channel: string, reply: Reply): Promise<void> {
  try {
    await client.publish(channel, reply);
  } catch (error) {
    if (!(error instanceof SpokeError)) throw error;
    // A closed client has nobody who could answer. What is full is so for this as well, and throws again.
    if (error.code !== 'CLOSED') await client.publish(channel, { error: unsendable(error.message) });
  }
}

function unsendable(why: string): string {
  return `the result cannot be sent: ${why}`;
}
