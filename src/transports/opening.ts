// What all transports do the same way while an endpoint or a connection opens.

import type { Address, Connection, ListenOptions } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/** The `ABORTED` that a pending `connect` or `listen` rejects with. */
export function abortedError(address: Address, signal: AbortSignal): SpokeError {
  return new SpokeError('ABORTED', `${address.href}: aborted before it was open`, {
    cause: signal.reason,
    details: { address: address.href },
  });
}

/** @throws {SpokeError} `ABORTED` when the signal was aborted. */
export function requireNotAborted(address: Address, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(address, signal);
}

/**
 * Gives a new connection to the listener's owner. When `onConnection` throws, this connection alone is lost, and
 * `onError` is told.
 */
export function handOver(
  connection: Connection,
  onConnection: (connection: Connection) => void,
  onError: ListenOptions['onError'],
): void {
  try {
    onConnection(connection);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const { address } = connection.peer;
    const error = new SpokeError(
      'HANDLER_FAILED',
      `the connection from ${address} was ended: onConnection threw: ${text}`,
      {
        cause,
        details: { address },
      },
    );
    connection.abort(error);
    report(onError, error);
  }
}

/** Tells `onError`, which must not harm the listener when it throws itself. */
export function report(onError: ListenOptions['onError'], error: SpokeError): void {
  try {
    onError?.(error);
  } catch {
    // It was the one place to report to.
  }
}
