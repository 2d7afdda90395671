// The caller's end of a stream: an async iterator that asks for more as it is read.

import { textOf } from '../client/index.js';
import type { Clock } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { readCount, readPart } from './extras.js';
import { readReply } from './reply.js';

/** Milliseconds after which a provider hears of a reader that needs nothing: it would take it for gone else. */
const SIGN_OF_LIFE = 20_000;

export interface StreamParts<T> {
  readonly procedure: string;
  readonly window: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((value: unknown) => void) | undefined;
  /** Makes the call; resolves with the body of the result. */
  readonly begin: (reader: StreamReader<T>, signal: AbortSignal) => Promise<unknown>;
}

interface Waiting<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Made by `RpcService.stream`. The call is made when it is first read. To be read once. */
export class StreamReader<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #parts: StreamParts<T>;
  readonly #abort = new AbortController();
  readonly #waiting: Waiting<T>[] = [];
  #items: T[] = [];
  #state: 'new' | 'open' | 'ended' = 'new';
  #error: { readonly reason: unknown } | undefined;
  #received = 0;
  /** Read, and not asked for again. */
  #read = 0;
  #untimed = (): void => {};
  #more: (items: number) => void = () => {};
  #cancelSign: (() => void) | undefined;

  constructor(parts: StreamParts<T>) {
    this.#parts = parts;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#state === 'new') void this.#run();
    if (this.#items.length > 0) {
      const [value] = this.#items.splice(0, 1);
      this.#consumed();
      return { value: value as T, done: false };
    }
    if (this.#state === 'ended') return this.#end();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends it: the provider is told. What a `for await` does that is left. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#finish(undefined);
    this.#items = [];
    this.#abort.abort(new Error('the reader of the stream left'));
    return { value: undefined, done: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The call was made. */
  begun(untimed: () => void, more: (items: number) => void): void {
    this.#untimed = untimed;
    this.#more = more;
    this.#giveSign();
  }

  /** Something came before the result. */
  part(body: unknown): void {
    if (this.#state !== 'open') return;
    this.#untimed();
    const part = readPart(body);
    if (part?.kind === 'progress') this.#parts.onProgress?.(part.value);
    if (part?.kind !== 'item') return;
    const { procedure, window } = this.#parts;
    if (part.n !== ++this.#received)
      this.#malformed(`${procedure}: item ${part.n} of the stream came where ${this.#received} was due`);
    else if (this.#items.length >= window) this.#malformed(`${procedure}: more items than were asked for`);
    else this.#take(part.value);
  }

  async #run(): Promise<void> {
    this.#state = 'open';
    const { begin, procedure, signal } = this.#parts;
    const own = this.#abort.signal;
    try {
      const body = await begin(this, signal === undefined ? own : AbortSignal.any([own, signal]));
      const count = readCount(body);
      const value = readReply(procedure, body);
      // A provider that does not stream: all at once.
      if (count === undefined) for (const item of Array.isArray(value) ? value : [value]) this.#take(item);
      else if (count !== this.#received) {
        const text = `${procedure}: the stream had ${count} items, of which ${this.#received} came`;
        throw new SpokeError('REPLY_MALFORMED', text, { details: { procedure } });
      }
      this.#finish(undefined);
    } catch (error) {
      if (signal?.aborted) this.#items = [];
      this.#finish({ reason: error });
    }
  }

  // The one place where the type of items is taken on trust: the caller named it.
  #take(item: unknown): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item as T);
    else {
      this.#consumed();
      waiting.resolve({ value: item as T, done: false });
    }
  }

  // Asked for by the half window: neither a message for each item, nor a provider that has to wait.
  #consumed(): void {
    if (this.#state !== 'open') return;
    this.#read++;
    if (this.#read < this.#parts.window / 2) return;
    this.#more(this.#read);
    this.#read = 0;
  }

  #giveSign(): void {
    this.#cancelSign = this.#parts.clock.setTimer(SIGN_OF_LIFE, () => {
      this.#more(0);
      this.#giveSign();
    });
  }

  #malformed(text: string): void {
    const error = new SpokeError('REPLY_MALFORMED', text, { details: { procedure: this.#parts.procedure } });
    this.#finish({ reason: error });
    this.#abort.abort(new Error(textOf(error)));
  }

  #finish(error: { readonly reason: unknown } | undefined): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#error = error;
    this.#cancelSign?.();
    for (const waiting of this.#waiting.splice(0)) {
      this.#end().then(
        (end) => waiting.resolve(end),
        (reason: unknown) => waiting.reject(reason),
      );
    }
  }

  // Its error is thrown once.
  async #end(): Promise<IteratorResult<T, undefined>> {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error.reason;
    return { value: undefined, done: true };
  }
}
