// What the system says when something about TCP fails, as errors a person can act on.

import type { Address } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';

/** `CONNECT_FAILED`, always retryable: whoever is missing may come. */
export function connectFailed(address: Address, cause: unknown): SpokeError {
  const code = systemCode(cause);
  return systemError(
    'CONNECT_FAILED',
    address.href,
    `cannot connect: ${whyNoConnection(address, code, cause)}`,
    cause,
    true,
  );
}

export function connectTimedOut(address: Address, milliseconds: number): SpokeError {
  return new SpokeError(
    'CONNECT_FAILED',
    `${address.href}: cannot connect: no answer within ${milliseconds} ms (limits.connectTimeout); is the host up, and ` +
      'does a firewall let this port through?',
    { retryable: true, details: { address: address.href } },
  );
}

/** `ADDRESS_IN_USE`, or `LISTEN_FAILED` for everything else. */
export function listenFailed(address: Address, cause: unknown): SpokeError {
  const code = systemCode(cause);
  const where = address.href;
  switch (code) {
    case 'EADDRINUSE':
      return systemError(
        'ADDRESS_IN_USE',
        where,
        'another program listens on this port; stop it, choose another port, or port 0 for any free one',
        cause,
        true,
      );
    case 'EACCES':
    case 'EPERM':
      return systemError(
        'LISTEN_FAILED',
        where,
        'not allowed to listen on this port; those below 1024 may need root',
        cause,
      );
    case 'EADDRNOTAVAIL':
      return systemError(
        'LISTEN_FAILED',
        where,
        'this machine has no such address; 0.0.0.0 means all that it has',
        cause,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return systemError(
        'LISTEN_FAILED',
        where,
        `the host name ${address.host} was not found; check its spelling`,
        cause,
      );
    default:
      return systemError('LISTEN_FAILED', where, `cannot listen: ${textOf(cause)}`, cause);
  }
}

/** A connection that could not be accepted; the listener goes on. */
export function acceptFailed(where: string, cause: unknown): SpokeError {
  const code = systemCode(cause);
  const why =
    code === 'EMFILE' || code === 'ENFILE'
      ? 'too many open files; allow more (ulimit -n), or lower limits.connections'
      : textOf(cause);
  return systemError('LISTEN_FAILED', where, `could not accept a connection: ${why}`, cause, true);
}

/** An open connection broke. */
export function connectionLost(peer: string, cause: unknown): SpokeError {
  const code = systemCode(cause);
  const why =
    code === 'ECONNRESET'
      ? 'the other side broke it off'
      : code === 'EPIPE'
        ? 'the other side no longer reads'
        : code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH'
          ? 'the other side can no longer be reached'
          : textOf(cause);
  return systemError('CONNECTION_LOST', peer, `the connection was lost: ${why}`, cause, true);
}

/** `close` waited, and the other side did not take what was queued. */
export function flushTimedOut(peer: string, milliseconds: number): SpokeError {
  return new SpokeError(
    'CONNECTION_LOST',
    `${peer}: the other side took nothing of what was queued for ${milliseconds} ms while closing; it was dropped`,
    { retryable: true, details: { address: peer } },
  );
}

function whyNoConnection(address: Address, code: string | undefined, cause: unknown): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused, nobody listens there; start the broker, or check host and port';
    case 'ENOTFOUND':
      return `the host name ${address.host} was not found; check its spelling`;
    case 'EAI_AGAIN':
      return `the host name ${address.host} could not be looked up; is the name server reachable?`;
    case 'ETIMEDOUT':
      return 'no answer; is the host up, and does a firewall let this port through?';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no way leads to that host; check the address and the network';
    case 'ECONNRESET':
      return 'the other side broke it off at once';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files here; allow more (ulimit -n)';
    default:
      return textOf(cause);
  }
}

/** `${where}: ${text} (SYSTEM_CODE)`. */
export function systemError(
  code: 'CONNECT_FAILED' | 'ADDRESS_IN_USE' | 'LISTEN_FAILED' | 'CONNECTION_LOST',
  where: string,
  text: string,
  cause: unknown,
  retryable = false,
): SpokeError {
  const system = systemCode(cause);
  return new SpokeError(
    code,
    `${where}: ${text}${system === undefined || text.includes(system) ? '' : ` (${system})`}`,
    {
      cause,
      retryable,
      details: { address: where, ...(system !== undefined && { system }) },
    },
  );
}

/** The system's code, such as `ECONNREFUSED`; of several attempts (IPv6, IPv4) that of the first that says one. */
export function systemCode(cause: unknown): string | undefined {
  if (!isObject(cause)) return undefined;
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return attempts(cause)
    .map(systemCode)
    .find((code) => code !== undefined);
}

/** What the cause says of itself. */
export function textOf(cause: unknown): string {
  if (!isObject(cause) || !('message' in cause)) return String(cause);
  return cause.message === '' ? attempts(cause).map(textOf).join('; ') : String(cause.message);
}

// Not `instanceof`: in a realm of its own (a test runner, an embedder) our `Error` is not Node's.
function isObject(cause: unknown): cause is object {
  return typeof cause === 'object' && cause !== null;
}

function attempts(cause: object): readonly unknown[] {
  return 'errors' in cause && Array.isArray(cause.errors) ? cause.errors : [];
}
