// What the system says when something about a Unix socket fails, as errors a person can act on.

import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { systemCode, systemError, textOf } from '../tcp/errors.js';

/** `CONNECT_FAILED`, always retryable: whoever is missing may come. */
export function connectFailed(address: Address, cause: unknown): SpokeError {
  return systemError('CONNECT_FAILED', address.href, `cannot connect: ${whyNoConnection(cause)}`, cause, true);
}

export function connectTimedOut(address: Address, milliseconds: number): SpokeError {
  return new SpokeError(
    'CONNECT_FAILED',
    `${address.href}: cannot connect: no answer within ${milliseconds} ms (limits.connectTimeout)`,
    { retryable: true, details: { address: address.href } },
  );
}

export function addressInUse(address: Address, cause: unknown): SpokeError {
  const text = 'another program listens on this socket; stop it, or choose another path';
  return systemError('ADDRESS_IN_USE', address.href, text, cause, true);
}

export function listenFailed(address: Address, why: string, cause: unknown): SpokeError {
  return systemError('LISTEN_FAILED', address.href, why, cause);
}

function whyNoConnection(cause: unknown): string {
  switch (systemCode(cause)) {
    case 'ENOENT':
      return 'there is no such socket; start the broker, or check the path';
    case 'ECONNREFUSED':
      return 'nobody listens on this socket; start the broker';
    case 'EACCES':
    case 'EPERM':
      return 'not allowed; the broker sets who may with ?mode=, and the directories above it must let you through';
    case 'EAGAIN':
      return 'too many connect at once';
    case 'ENOTSOCK':
    case 'ENOTDIR':
      return 'this is not a socket; check the path';
    case 'EPROTOTYPE':
      return 'a program listens there that does not take streams; check the path';
    default:
      return textOf(cause);
  }
}
