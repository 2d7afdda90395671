// One piece of work on a connection to a broker, within a time, ended by whatever comes first.

import type { About } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import type { FullClient } from '../node/full-client.js';
import type { ConnectionOptions } from './arguments.js';
import { secondsText } from './arguments.js';
import { failureOf } from './failure.js';
import { listenForStop } from './stop.js';

export interface Work<T> {
  /** Milliseconds for all of it, and the broker may come meanwhile. Without: no limit, but the broker must be there. */
  readonly timeout: number | undefined;
  /** Says what there was no answer from, when time is up. */
  late(url: string): string;
  /** Says what is not known, when the connection was lost meanwhile. */
  readonly lost: string;
  /** What presence says of it. Default: nothing. */
  readonly about?: About;
  /** Whether it goes on, on another connection, when one is lost now. Default: it does not. */
  survives?(): boolean;
  run(client: FullClient, signal: AbortSignal): Promise<T>;
}

// A person waits: the longest pause between attempts is shorter than that of a program.
const RECONNECT = { minDelay: 50, maxDelay: 500 };

/**
 * Connects, works, closes.
 * @throws {SpokeError} `TIMEOUT`; what the broker refused with; whatever `run` throws. `Stopped`.
 */
export async function connected<T>(options: ConnectionOptions, work: Work<T>): Promise<T> {
  const { timeout, about } = work;
  const stop = listenForStop();
  const end = new AbortController();
  stop.addEventListener('abort', () => end.abort(stop.reason));

  // Not above: loading it is half of what starting a command costs, and a wrong argument need not pay.
  const { makeClient } = await import('./client.js');
  const reconnect = timeout === undefined ? false : RECONNECT;
  const client = await makeClient(options, { reconnect, callTimeout: Infinity, ...(about !== undefined && { about }) });
  let lastFailure: SpokeError | undefined;
  client.on('retry', (error) => (lastFailure = error));
  client.on('state', (state, error) => (lastFailure = state === 'connected' ? undefined : (error ?? lastFailure)));
  // The broker refused something: nothing will come of the work.
  client.on('error', (error) => end.abort(error));
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          const what = lastFailure === undefined ? work.late(client.url) : failureOf(lastFailure).message;
          end.abort(new SpokeError('TIMEOUT', `${secondsText(timeout)} have passed: ${what}`, { cause: lastFailure }));
        }, timeout);
  try {
    await client.connect({ signal: end.signal });
    // What was under way went with the connection, mostly. A new one would know nothing of it.
    client.on('state', (state, error) => {
      if (state === 'connected' || error === undefined) return;
      if (error.code === 'UNAUTHENTICATED') {
        end.abort(error);
        return;
      }
      if (state === 'reconnecting' && work.survives?.() === true) return;
      const text = `the connection to ${client.url} was lost; ${work.lost}`;
      end.abort(new SpokeError('CONNECTION_LOST', text, { cause: error, retryable: true }));
    });
    const result = await work.run(client, end.signal);
    end.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw end.signal.aborted ? end.signal.reason : error;
  } finally {
    clearTimeout(timer);
    const closed = client.close();
    // Otherwise there is no time left, or nobody who waits for a good end.
    if (!end.signal.aborted) await closed;
  }
}
