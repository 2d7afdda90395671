// What a handler of Nest returns, which may be an Observable, as what a procedure returns.

import { catchError, isObservable, lastValueFrom, throwError } from 'rxjs';

import { RpcError } from '../rpc/index.js';
import { ObservedValues } from './observed-values.js';

/**
 * The result: what it returned; of an Observable its one value, nothing for none, a stream of several.
 * @param signal - aborts when nobody waits for it any more; the Observable is unsubscribed then.
 * @throws what it failed with, as an Error.
 */
export async function readAnswer(returned: unknown, signal: AbortSignal): Promise<unknown> {
  if (!isObservable(returned)) return returned;
  const values = new ObservedValues(
    returned.pipe(catchError((error: unknown) => throwError(() => failure(error)))),
    signal,
  );
  // Whether it is one or a list, only the second tells.
  const first = await values.next();
  if (first.done === true) return undefined;
  const second = await values.next();
  return second.done === true ? first.value : joined([first.value, second.value], values);
}

/** Waits until an event was handled. Nest has logged a failure already. */
export async function readEvent(returned: unknown): Promise<void> {
  if (!isObservable(returned)) return;
  await lastValueFrom(returned, { defaultValue: undefined }).catch(() => {});
}

/**
 * Nest's filters fail with plain objects: `{status: 'error', message: '…'}`, or what an `RpcException` was made with. Its `code`
 * is the code, the rest goes along as data.
 */
function failure(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown !== 'object' || thrown === null) return new RpcError('REMOTE', String(thrown));
  const { code, message, status, ...rest } = Object.fromEntries(Object.entries(thrown)) as Record<string, unknown>;
  const data = { ...(status !== undefined && status !== 'error' && { status }), ...rest };
  return new RpcError(
    typeof code === 'string' ? code : 'REMOTE',
    typeof message === 'string' ? message : (JSON.stringify(thrown) ?? 'unknown error'),
    Object.keys(data).length > 0 ? data : undefined,
  );
}

async function* joined(taken: readonly unknown[], rest: ObservedValues): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* taken;
    yield* rest;
  } finally {
    await rest.return();
  }
}
