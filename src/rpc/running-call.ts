// A call that a procedure is at work on.

import type { Message } from '../client/index.js';
import type { Clock } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { callerOf, partChannel } from './channels.js';
import { amountOf, PROGRESS_KEY, progressBody, TIMEOUT_KEY, WINDOW_KEY } from './extras.js';
import type { FullCaller } from './full-caller.js';
import type { CallContext, CallOptions, ProgressOptions, StreamOptions } from './options.js';
import type { Reply } from './reply.js';
import { collect, StreamWriter } from './stream-writer.js';

/** What all calls have in common that run on one service. */
export interface CallHost {
  readonly caller: FullCaller;
  readonly clock: Clock;
  publish(channel: string, body: unknown): Promise<void>;
}

/** Most procedures look at their argument only: whatever else there is, is made when it is asked for. */
export class RunningCall implements CallContext {
  readonly procedure: string;
  readonly #host: CallHost;
  readonly #message: Message;
  readonly #gone: () => void;
  readonly #arrived: number;
  #abort: AbortController | undefined;
  #cancelled: SpokeError | undefined;
  #cancelTimer: (() => void) | undefined;
  #writer: StreamWriter | undefined;

  /** @param gone - called when nobody waits for the result any more. */
  constructor(host: CallHost, procedure: string, message: Message, gone: () => void) {
    this.#gone = gone;
    this.procedure = procedure;
    this.#host = host;
    this.#message = message;
    this.#arrived = host.clock.monotonic();
  }

  get caller(): string | undefined {
    return callerOf(this.#message.channel);
  }

  get signal(): AbortSignal {
    this.#abort ??= this.#makeAbort();
    return this.#abort.signal;
  }

  /** Whether nobody waits for the result any more. */
  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  // Getters, so that a procedure may take apart what it is given, and pays for what it takes.
  get remaining(): () => number {
    return () => this.#remaining();
  }

  get call(): CallContext['call'] {
    return (name, argument, options) => this.#call(name, argument, options);
  }

  get stream(): CallContext['stream'] {
    return (name, argument, options) => this.#stream(name, argument, options);
  }

  get progress(): CallContext['progress'] {
    return (value) => this.#progress(value);
  }

  #remaining(): number {
    const seconds = amountOf(this.#message.head[TIMEOUT_KEY]) ?? Infinity;
    return Math.max(0, seconds * 1000 - (this.#host.clock.monotonic() - this.#arrived));
  }

  async #call<R>(name: string, argument?: unknown, options: CallOptions & ProgressOptions = {}): Promise<R> {
    const { caller } = this.#host;
    const left = this.#remaining();
    const bound =
      options.timeout === undefined && left === Infinity
        ? {}
        : { timeout: Math.min(options.timeout ?? caller.timeout, left) };
    return (await caller.call(name, argument, { ...options, ...bound, signal: this.#with(options.signal) })) as R;
  }

  #stream<T>(
    name: string,
    argument?: unknown,
    options: StreamOptions = {},
  ): AsyncIterableIterator<T, undefined, undefined> {
    const bounded = { ...options, signal: this.#with(options.signal) };
    return this.#host.caller.stream<T>(name, argument, bounded, this.#remaining());
  }

  #progress(value: unknown): Promise<void> {
    if (this.#message.head[PROGRESS_KEY] !== true || this.cancelled) return Promise.resolve();
    const told = this.#part(progressBody(value ?? null));
    told.catch(() => {});
    return told;
  }

  /** A stream that a procedure returned, as a reply: when all of it was sent. */
  async replyOf(result: AsyncIterable<unknown>): Promise<Reply> {
    const window = amountOf(this.#message.head[WINDOW_KEY]);
    if (window === undefined) return collect(result);
    this.#writer = new StreamWriter({
      procedure: this.procedure,
      clock: this.#host.clock,
      window,
      part: (body) => this.#part(body),
      gone: (reason) => this.cancel(reason),
    });
    // Whatever ends the call ends the stream.
    this.signal.throwIfAborted();
    return this.#writer.run(result);
  }

  /** Nobody waits for the result any more. */
  cancel(reason: SpokeError): void {
    this.#cancelled ??= reason;
    this.#gone();
    this.#abort?.abort(this.#cancelled);
    this.#writer?.cancel(this.#cancelled);
  }

  /** The caller takes more items of the stream. */
  more(items: number): void {
    this.#writer?.more(items);
  }

  /** It has ended: no timer stays behind. */
  end(): void {
    this.#cancelTimer?.();
  }

  #makeAbort(): AbortController {
    const abort = new AbortController();
    const left = this.#remaining();
    if (this.#cancelled !== undefined) abort.abort(this.#cancelled);
    else if (left !== Infinity) {
      const late = new SpokeError('TIMEOUT', `${this.procedure}: the time of its caller is over`);
      this.#cancelTimer = this.#host.clock.setTimer(left, () => this.cancel(late));
    }
    return abort;
  }

  #with(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.signal : AbortSignal.any([this.signal, signal]);
  }

  #part(body: unknown): Promise<void> {
    return this.#host.publish(partChannel(this.#message.channel), body);
  }
}
