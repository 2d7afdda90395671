// Connects, and connects again for ever.

import type { Address, Clock, CloseReason, Connection, Limits, Transport } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { Backoff } from './backoff.js';
import type { BackoffOptions } from './backoff.js';
import { textOf } from './report.js';

export interface ConnectorOptions {
  readonly address: Address;
  readonly transport: Transport;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly reconnect: BackoffOptions | false | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface ConnectorHandler {
  /** Uses a connection; resolves when it has ended. */
  serve(connection: Connection): Promise<CloseReason>;
  /** A connection that was used has ended, and another attempt follows. */
  lost(error: SpokeError): void;
  /** An attempt failed; the next follows after `delay` milliseconds. */
  retry(error: SpokeError, delay: number): void;
  /** There will be no further attempt. */
  failed(error: SpokeError): void;
}

/** The loop of one client. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #handler: ConnectorHandler;
  readonly #backoff: Backoff | undefined;

  /** @throws {TypeError} for delays that make no sense. */
  constructor(options: ConnectorOptions, handler: ConnectorHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#backoff = options.reconnect === false ? undefined : new Backoff(options.reconnect);
  }

  /** Runs until the signal aborts or nothing more can be done. Never rejects. */
  async run(): Promise<void> {
    const { address, transport, limits, clock, signal } = this.#options;
    const backoff = this.#backoff;
    while (!signal.aborted) {
      try {
        const connection = await transport.connect(address, { signal, limits });
        const since = clock.monotonic();
        const { error } = await this.#handler.serve(connection);
        if (signal.aborted) return;
        backoff?.ended(clock.monotonic() - since);
        const lost =
          error ?? new SpokeError('CONNECTION_LOST', `${address.href} ended the connection`, { retryable: true });
        // Who is not let in is not let in the next time.
        if (backoff === undefined || lost.code === 'UNAUTHENTICATED') throw lost;
        this.#handler.lost(lost);
        await this.#pause(backoff.next());
      } catch (error) {
        if (signal.aborted) return;
        const failure = asSpokeError(error);
        if (!backoff || !failure.retryable) {
          this.#handler.failed(failure);
          return;
        }
        const delay = backoff.next();
        this.#handler.retry(failure, delay);
        await this.#pause(delay);
      }
    }
  }

  async #pause(delay: number): Promise<void> {
    const { clock, signal } = this.#options;
    // Whoever was told of the failure may have closed the client at once.
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(delay, done);
      function done(): void {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done);
    });
  }
}

function asSpokeError(error: unknown): SpokeError {
  if (error instanceof SpokeError) return error;
  const text = textOf(error);
  return new SpokeError('CONNECT_FAILED', text, { cause: error });
}
