// The values of an Observable, one after the other, for a reader that may be slower.

import type { Observable, Subscription } from 'rxjs';

import { SpokeError } from '../contracts/index.js';

/** An Observable cannot be told to wait: values that were not read are kept, and too many of them are an error. */
const LIMIT = 10_000;

type Result = IteratorResult<unknown, undefined>;

export class ObservedValues implements AsyncIterableIterator<unknown, undefined> {
  readonly #values: unknown[] = [];
  readonly #subscription: Subscription;
  readonly #signal: AbortSignal;
  readonly #aborted = (): void => this.#end(undefined);
  #reader: (() => void) | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  /** @param signal - unsubscribes; the values end. */
  constructor(observable: Observable<unknown>, signal: AbortSignal) {
    this.#signal = signal;
    this.#subscription = observable.subscribe({
      next: (value) => this.#add(value),
      error: (error: unknown) => this.#end({ error }),
      complete: () => this.#end(undefined),
    });
    if (signal.aborted) this.#end(undefined);
    else signal.addEventListener('abort', this.#aborted, { once: true });
  }

  /** One at a time. @throws what the Observable failed with; `LIMIT_EXCEEDED` when too many values wait. */
  async next(): Promise<Result> {
    if (this.#values.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#reader = resolve));
    }
    if (this.#values.length > 0) return { done: false, value: this.#values.shift() };
    const failed = this.#failure;
    this.#failure = undefined;
    if (failed !== undefined) throw failed.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<Result> {
    this.#values.length = 0;
    this.#failure = undefined;
    this.#end(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #add(value: unknown): void {
    if (this.#ended) return;
    this.#values.push(value);
    if (this.#values.length > LIMIT) {
      const text = `the reader of an Observable is too slow: more than ${LIMIT} values wait`;
      this.#end({ error: new SpokeError('LIMIT_EXCEEDED', text) });
    }
    this.#reader?.();
    this.#reader = undefined;
  }

  #end(failed: { readonly error: unknown } | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failed;
    this.#signal.removeEventListener('abort', this.#aborted);
    // Not there yet when it ends while it is subscribed to; it has ended by itself then.
    queueMicrotask(() => this.#subscription.unsubscribe());
    this.#reader?.();
    this.#reader = undefined;
  }
}
