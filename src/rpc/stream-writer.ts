// The provider's end of a stream: items of an async iterable, as fast as the caller reads.

import type { Clock } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { okay } from './answer.js';
import { BEGIN_BODY, itemBody } from './extras.js';
import type { Reply } from './reply.js';

/** Milliseconds without a word of the caller, after which it is taken for gone: a reader lets hear of itself thrice as often. */
const SILENCE = 60_000;
/** Items that a caller gets at once which takes no stream. */
const MAX_COLLECTED = 10_000;

export interface StreamWriterParts {
  readonly procedure: string;
  readonly clock: Clock;
  /** Items that may be sent at first. */
  readonly window: number;
  /** Publishes something that comes before the result. */
  readonly part: (body: unknown) => Promise<void>;
  /** The caller has gone. */
  readonly gone: (reason: SpokeError) => void;
}

export class StreamWriter {
  readonly #parts: StreamWriterParts;
  #credit: number;
  #heard = false;
  #cancelled: { readonly reason: unknown } | undefined;
  #onCredit: (() => void) | undefined;
  #onCancel: ((reason: unknown) => void) | undefined;
  #cancelWatch: (() => void) | undefined;

  constructor(parts: StreamWriterParts) {
    this.#parts = parts;
    this.#credit = parts.window;
  }

  /**
   * Sends all items. Resolves with the result that comes after them.
   * @throws what the iterable throws; why it was cancelled.
   */
  async run(items: AsyncIterable<unknown>): Promise<Reply> {
    const { part } = this.#parts;
    const iterator = items[Symbol.asyncIterator]();
    let n = 0;
    let done: boolean | undefined;
    this.#watch();
    try {
      await part(BEGIN_BODY);
      for (;;) {
        if (this.#credit < 1) await this.#unlessCancelled(new Promise<void>((resolve) => (this.#onCredit = resolve)));
        this.#credit--;
        const next = await this.#unlessCancelled(iterator.next());
        ({ done } = next);
        if (done === true) return { okay: null, parts: n };
        await part(itemBody(++n, okay(next.value).okay));
      }
    } finally {
      this.#cancelWatch?.();
      // Not waited for: a generator that waits for something ends when it has it.
      if (done !== true) iterator.return?.().catch(() => {});
    }
  }

  /** The caller takes more items; 0: it is there. */
  more(items: number): void {
    this.#heard = true;
    this.#credit += items;
    if (this.#credit >= 1) this.#onCredit?.();
  }

  cancel(reason: unknown): void {
    this.#cancelled = { reason };
    this.#onCancel?.(reason);
  }

  #watch(): void {
    const { clock, procedure, gone } = this.#parts;
    this.#cancelWatch = clock.setTimer(SILENCE, () => {
      if (!this.#heard) {
        gone(
          new SpokeError('CONNECTION_LOST', `${procedure}: the reader of the stream has been silent for ${SILENCE} ms`),
        );
        return;
      }
      this.#heard = false;
      this.#watch();
    });
  }

  // Not `Promise.race`, which would hold on to each of them until the stream ends.
  async #unlessCancelled<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#onCancel = reject;
      promise.then(resolve, reject);
      if (this.#cancelled !== undefined) reject(this.#cancelled.reason);
    });
  }
}

/** All items at once, for a caller that takes no stream. */
export async function collect(items: AsyncIterable<unknown>): Promise<Reply> {
  const all: unknown[] = [];
  for await (const item of items) {
    if (all.length >= MAX_COLLECTED) {
      const text = `more than ${MAX_COLLECTED} items: read it as a stream`;
      throw new SpokeError('LIMIT_EXCEEDED', text, { details: { limit: MAX_COLLECTED } });
    }
    all.push(item);
  }
  return { okay: all };
}

export function isStream(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}
