// What was published while there was no connection, in order, within a limit.

import { SpokeError } from '../contracts/index.js';

interface Waiting {
  readonly frame: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Frames that wait for a connection. */
export class OfflineQueue {
  readonly #limit: number;
  readonly #waiting = new Set<Waiting>();
  #bytes = 0;

  /** @param limit - bytes; `limits.offlineBytes`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Resolves when the frame was handed to a connection.
   * @throws {SpokeError} `QUEUE_FULL`, `ABORTED` (the frame will not be sent), and what `close` is given.
   */
  async add(frame: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (this.#bytes + frame.length > this.#limit) throw queueFull(this.#limit);
    let aborted: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const waiting: Waiting = { frame, resolve, reject };
        this.#waiting.add(waiting);
        this.#bytes += frame.length;
        aborted = () => {
          if (!this.#waiting.delete(waiting)) return;
          this.#bytes -= frame.length;
          reject(
            new SpokeError('ABORTED', 'publish was aborted while waiting for a connection', { cause: signal?.reason }),
          );
        };
        signal?.addEventListener('abort', aborted, { once: true });
      });
    } finally {
      if (aborted !== undefined) signal?.removeEventListener('abort', aborted);
    }
  }

  /** Hands all frames over, in order. */
  flush(send: (frame: Uint8Array) => void): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#bytes = 0;
    for (const { frame, resolve } of waiting) {
      send(frame);
      resolve();
    }
  }

  close(error: unknown): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#bytes = 0;
    for (const { reject } of waiting) reject(error);
  }
}

/** More was published than is sent. */
export function queueFull(limit: number): SpokeError {
  const text = `more than ${limit} bytes wait to be sent (limits.offlineBytes); await publish`;
  return new SpokeError('QUEUE_FULL', text, { retryable: true });
}
