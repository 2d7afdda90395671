// What can be said with calls, and what procedures are.

import type { Clock } from '../contracts/index.js';

/**
 * Called with the argument of each call. What it returns, or what its promise resolves to, is the result; an async iterable,
 * such as an async generator returns, is a stream. What it throws reaches the caller: an `RpcError` with its code and data,
 * anything else with its text. Calls run side by side.
 */
export type Procedure<A = never, R = unknown> = (argument: A, context: CallContext) => R | Promise<R>;

/** A procedure where there is no context: in pages. */
export type PlainProcedure<A = never, R = unknown> = (argument: A) => R | Promise<R>;

export interface CallOptions {
  /**
   * Milliseconds until `TIMEOUT`; `Infinity` for none. The provider is told. Default 30,000, of which it is not told: it hears when
   * they are over.
   */
  readonly timeout?: number;
  /** Aborting rejects with `ABORTED`, and aborts the signal of a provider of ours. */
  readonly signal?: AbortSignal;
}

export interface ProgressOptions {
  /** Called with what the procedure says of its progress (`CallContext.progress`). Not in pages. */
  readonly onProgress?: (value: unknown) => void;
}

export interface StreamOptions extends ProgressOptions {
  /** Milliseconds until the provider has to have begun to answer; then it takes as long as it takes. Default 30,000. */
  readonly timeout?: number;
  /** Aborting ends it with `ABORTED`, and aborts the signal of a provider of ours. */
  readonly signal?: AbortSignal;
  /** Items that may be on their way before they are read, 1 to 10,000: the provider waits then. Default 32. */
  readonly window?: number;
}

export interface RpcOptions {
  /** Default timeout of calls, in milliseconds. Default 30,000. */
  readonly timeout?: number;
  readonly clock?: Clock;
}

export interface PlainProvideOptions {
  /** Aborting closes the provider. */
  readonly signal?: AbortSignal;
}

export interface ProvideOptions extends PlainProvideOptions {
  /**
   * Of the providers of one name that are in a group of this name, one executes each call, wherever in the network they are
   * (`SubscribeOptions.group`). `false`: in none, so that each of them executes and the first answer counts, as with other
   * libraries and with brokers that have no groups. Default `'default'`.
   */
  readonly group?: string | false;
  /** Whether callers get the stack of what the procedure throws, as `data.stack`, if it is no `RpcError`. Default `false`. */
  readonly stack?: boolean;
}

/** A provided procedure. */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  /** Stops answering. Calls that run already are still answered. Idempotent. */
  close(): Promise<void>;
}

/** The second argument of a procedure. */
export interface CallContext {
  /** The procedure's name, as it was called. */
  readonly procedure: string;
  /** A random text that stands for the caller, the same for all its calls; `undefined`: it does not say. */
  readonly caller: string | undefined;
  /**
   * Aborts when nobody waits for the result any more: the caller gave up, its time is over, its connection was lost. What
   * callers of other libraries do is not known.
   */
  readonly signal: AbortSignal;
  /** Milliseconds that the caller still waits, as far as it says; `Infinity` when it does not, 0 when they are over. */
  remaining(this: void): number;
  /** Calls another procedure, for no longer than this one may take: bounded by `remaining()` and `signal`. */
  call<R = unknown>(this: void, name: string, argument?: unknown, options?: CallOptions & ProgressOptions): Promise<R>;
  /** The same for a stream. */
  stream<T = unknown>(this: void, name: string, argument?: unknown, options?: StreamOptions): AsyncIterableIterator<T>;
  /**
   * Tells the caller how far it is, if that has asked (`onProgress`). Need not be awaited.
   * @throws {SpokeError} (as a rejection) what `client.publish` throws.
   */
  progress(this: void, value: unknown): Promise<void>;
}
