// Messages waiting for an async iterator that reads them one by one.

import type { Message } from './message.js';

type Result = IteratorResult<Message, undefined>;

const DONE: Result = Object.freeze({ done: true, value: undefined });

/** A bounded queue with one reader. When it is full, the oldest message goes. */
export class MessageQueue implements AsyncIterableIterator<Message, undefined> {
  readonly #limit: number;
  readonly #overflow: () => void;
  readonly #returned: () => void;
  // A ring would save nothing here: `#first` moves, and the array is cut when half of it is used up.
  #messages: Message[] = [];
  #first = 0;
  #readers: ((result: Result) => void)[] = [];
  #overflowing = false;
  #ended = false;

  /**
   * @param overflow - called when the queue begins to lose messages, and again only after the reader had caught up.
   * @param returned - called when the reader leaves.
   */
  constructor(limit: number, overflow: () => void, returned: () => void) {
    this.#limit = limit;
    this.#overflow = overflow;
    this.#returned = returned;
  }

  push(message: Message): boolean {
    if (this.#ended) return true;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ done: false, value: message });
      return true;
    }
    this.#messages.push(message);
    if (this.#messages.length - this.#first <= this.#limit) return true;
    this.#take();
    if (!this.#overflowing) this.#overflow();
    this.#overflowing = true;
    return false;
  }

  /** No more will come; what is queued can still be read. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader(DONE);
    this.#readers = [];
  }

  async next(): Promise<Result> {
    const message = this.#take();
    if (this.#first === this.#messages.length) this.#overflowing = false;
    if (message !== undefined) return { done: false, value: message };
    if (this.#ended) return DONE;
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  async return(): Promise<Result> {
    this.end();
    this.#messages = [];
    this.#first = 0;
    this.#returned();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): Message | undefined {
    const message = this.#messages[this.#first];
    if (message === undefined) return undefined;
    this.#first++;
    if (this.#first * 2 > this.#messages.length && this.#first > 32) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }
}
