// What a handler of Nest returns, which may be an Observable, as what a procedure returns.

import { isObservable, lastValueFrom, toArray } from 'rxjs';

/**
 * The result: what it returned; of an Observable its one value, an array of several, `null` for none.
 * @throws what it failed with, as an Error.
 */
export async function readAnswer(returned: unknown): Promise<unknown> {
  if (!isObservable(returned)) return returned;
  try {
    const values = await lastValueFrom(returned.pipe(toArray()));
    return values.length > 1 ? values : values[0];
  } catch (error) {
    throw failure(error);
  }
}

/** Waits until an event was handled. Nest has logged a failure already. */
export async function readEvent(returned: unknown): Promise<void> {
  if (!isObservable(returned)) return;
  await lastValueFrom(returned, { defaultValue: undefined }).catch(() => {});
}

/** Nest's filters fail with plain objects: `{status: 'error', message: '…'}`, or what an `RpcException` was made with. */
function failure(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === 'string') return new Error(thrown);
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown && typeof thrown.message === 'string') {
    return new Error(thrown.message);
  }
  return new Error(JSON.stringify(thrown) ?? 'unknown error');
}
