// What a provider answers, read by the caller: `{"okay": value}` or `{"error": "text"}`.

import { SpokeError } from '../contracts/index.js';

export type Reply = { readonly okay: unknown } | { readonly error: string };

/**
 * The value of a reply.
 * @throws {SpokeError} `REMOTE` with the provider's text; `REPLY_MALFORMED` when it is neither.
 */
export function readReply(name: string, body: unknown): unknown {
  if (typeof body === 'object' && body !== null) {
    if (Object.hasOwn(body, 'error') && 'error' in body) {
      const text = typeof body.error === 'string' ? body.error : JSON.stringify(body.error);
      throw new SpokeError('REMOTE', text, { details: { procedure: name } });
    }
    if (Object.hasOwn(body, 'okay') && 'okay' in body) return body.okay;
  }
  throw new SpokeError('REPLY_MALFORMED', `${name} answered with neither "okay" nor "error"`, {
    details: { procedure: name },
  });
}
