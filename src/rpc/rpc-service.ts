// Remote procedure calls, both sides, made of ordinary messages.

import { canonical, isPattern } from '../channels/index.js';
import type { BaseClient, Message, Subscription } from '../client/index.js';
import { randomId, requireTimeout, textOf } from '../client/index.js';
import type { Clock } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { systemClock } from '../link/index.js';
import { callChannel, callNumber, callPattern, resultChannel, resultsPattern } from './channels.js';
import type { Reply } from './reply.js';
import { readReply } from './reply.js';

/**
 * Called with the argument of each call. What it returns, or what its promise resolves to, is the result; what it
 * throws reaches the caller as a `REMOTE` error with the same message. Calls run side by side.
 */
export type Procedure<A = never, R = unknown> = (argument: A) => R | Promise<R>;

export interface CallOptions {
  /** Milliseconds until `TIMEOUT`; `Infinity` for none. Default 30,000. */
  readonly timeout?: number;
  /** Aborting rejects with `ABORTED`. The provider is not told. */
  readonly signal?: AbortSignal;
}

export interface RpcOptions {
  /** Default timeout of calls, in milliseconds. Default 30,000. */
  readonly timeout?: number;
  readonly clock?: Clock;
}

/** A provided procedure; made by `RpcService.provide`. */
export interface Provider extends AsyncDisposable {
  readonly name: string;
  /** Stops answering. Calls that run already are still answered. Idempotent. */
  close(): Promise<void>;
}

interface Pending {
  readonly name: string;
  /** Whether it was handed to the connection of now: it, or its answer, is lost with that. Else it waits for the next. */
  sent: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

const DEFAULT_TIMEOUT = 30_000;

/** Provides and calls procedures on a client. Many services may share one client. */
export class RpcService implements AsyncDisposable {
  readonly #client: BaseClient;
  readonly #timeout: number;
  readonly #clock: Clock;
  // Random, because results of all callers travel on one network.
  readonly #id = randomId();
  readonly #pending = new Map<number, Pending>();
  readonly #stopListening: () => void;
  readonly #providers = new Set<Provider>();
  #calls = 0;
  #results: Promise<Subscription | undefined> | undefined;
  #closed = false;

  constructor(client: BaseClient, options: RpcOptions = {}) {
    this.#client = client;
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT;
    requireTimeout(this.#timeout);
    this.#clock = options.clock ?? systemClock;
    this.#stopListening = client.on('state', (state, error) => {
      // What waited for the connection has been handed over by now.
      if (state === 'connected') for (const pending of this.#pending.values()) pending.sent = true;
      if (state === 'reconnecting') this.#connectionLost(error);
      if (state === 'closed')
        this.#fail(
          () => true,
          () => new SpokeError('CLOSED', 'the client was closed', { cause: error }),
        );
    });
  }

  /**
   * Answers calls of `name`. Resolves when the broker knows.
   * @throws {TypeError} when the name is empty or holds a wildcard. `CLOSED`.
   */
  async provide<A = never, R = unknown>(
    name: string,
    procedure: Procedure<A, R>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Provider> {
    const procedureName = requireName('provide', name);
    if (typeof procedure !== 'function') throw new TypeError('provide: the procedure must be a function');
    this.#requireOpen();
    const answer = (message: Message) => this.#answer(message, procedure);
    const subscription = await this.#client.subscribe(callPattern(procedureName), answer, options);
    const close = async () => {
      this.#providers.delete(provider);
      await subscription.unsubscribe();
    };
    const provider = { name: procedureName, close, [Symbol.asyncDispose]: close };
    this.#providers.add(provider);
    return provider;
  }

  /**
   * Calls `name` and resolves with the result of the first provider that answers.
   * @typeParam R - what the provider returns; not checked.
   * @throws {SpokeError} `TIMEOUT` (also when nobody provides it); `REMOTE` with the provider's text;
   *   `REPLY_MALFORMED`; `CONNECTION_LOST` when the connection went while waiting (whether it ran is not known);
   *   `ABORTED`, `CLOSED`, and what `client.publish` throws.
   */
  async call<R = unknown>(name: string, argument?: unknown, options: CallOptions = {}): Promise<R> {
    const procedureName = requireName('call', name);
    this.#requireOpen();
    this.#results ??= this.#listen();
    const number = ++this.#calls;
    const timeout = options.timeout ?? this.#timeout;
    requireTimeout(timeout);
    // Takes the call back while it waits for a connection. Not made for nothing: an abort costs more than a whole call.
    const sent = this.#client.state === 'connected';
    const waiting = sent ? undefined : new AbortController();
    const ends: (() => void)[] = [() => waiting?.abort()];
    try {
      // The one place where the type of a result is taken on trust: the caller named it.
      return (await new Promise<unknown>((resolve, reject) => {
        this.#pending.set(number, { name: procedureName, sent, resolve, reject });
        this.#limit(procedureName, timeout, options.signal, reject, ends);
        const channel = callChannel(procedureName, this.#id, number);
        this.#client.publish(channel, argument, waiting && { signal: waiting.signal }).catch(reject);
      })) as R;
    } finally {
      this.#pending.delete(number);
      for (const end of ends) end();
    }
  }

  /**
   * Ends what this service provides and waits for; the client goes on. For a service that is made for a while on a shared
   * client: one that lasts as long as its client ends with it. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    this.#fail(
      () => true,
      () => new SpokeError('CLOSED', 'this RpcService was closed'),
    );
    await Promise.all([...this.#providers].map((provider) => provider.close()));
    await (await this.#results)?.unsubscribe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #limit(
    name: string,
    timeout: number,
    signal: AbortSignal | undefined,
    reject: (error: SpokeError) => void,
    ends: (() => void)[],
  ): void {
    if (timeout !== Infinity) {
      const text = `no answer from ${name} within ${timeout} ms; is a provider connected?`;
      ends.push(
        this.#clock.setTimer(timeout, () => reject(new SpokeError('TIMEOUT', text, { details: { procedure: name } }))),
      );
    }
    if (signal === undefined) return;
    const aborted = () => reject(new SpokeError('ABORTED', `call of ${name} was aborted`, { cause: signal.reason }));
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    ends.push(() => signal.removeEventListener('abort', aborted));
  }

  // Calls do not wait for it: a call leaves after it on the same connection, so its answer finds it in place. Never rejects.
  async #listen(): Promise<Subscription | undefined> {
    try {
      return await this.#client.subscribe(resultsPattern(this.#id), (message) => this.#result(message));
    } catch (error) {
      this.#results = undefined;
      this.#fail(
        () => true,
        () => error,
      );
      return undefined;
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new SpokeError('CLOSED', 'this RpcService was closed');
  }

  // Late answers, answers of a second provider and forged numbers find nobody waiting.
  #result(message: Message): void {
    const pending = this.#pending.get(callNumber(message.channel));
    if (pending === undefined) return;
    try {
      pending.resolve(readReply(pending.name, message.body));
    } catch (error) {
      pending.reject(error);
    }
  }

  async #answer(message: Message, procedure: Procedure<never, unknown>): Promise<void> {
    const channel = resultChannel(message.channel);
    let reply: Reply;
    try {
      // The argument comes from the network; the provider's declared type is its own promise about its callers.
      const result = (await procedure(message.body as never)) ?? null;
      // JSON would leave the member out, and with it the answer.
      if (typeof result === 'function' || typeof result === 'symbol')
        throw new TypeError(unsendable(`a ${typeof result} is no data`));
      reply = { okay: result };
    } catch (error) {
      reply = { error: textOf(error) };
    }
    try {
      await this.#client.publish(channel, reply);
    } catch (error) {
      const code = error instanceof SpokeError ? error.code : undefined;
      // Nobody is left who could answer.
      if (code === 'CLOSED') return;
      if (!(error instanceof SpokeError) || (code !== 'NOT_ENCODABLE' && code !== 'LIMIT_EXCEEDED')) throw error;
      await this.#client.publish(channel, { error: unsendable(error.message) });
    }
  }

  #connectionLost(error: SpokeError | undefined): void {
    this.#fail(
      (pending) => pending.sent,
      (pending) =>
        new SpokeError('CONNECTION_LOST', `the connection was lost while ${pending.name} was called; it may have run`, {
          cause: error,
          retryable: true,
          details: { procedure: pending.name },
        }),
    );
  }

  #fail(which: (pending: Pending) => boolean, error: (pending: Pending) => unknown): void {
    for (const pending of this.#pending.values()) if (which(pending)) pending.reject(error(pending));
  }
}

function requireName(where: string, name: string): string {
  if (typeof name !== 'string') throw new TypeError(`${where}: the procedure's name must be a string`);
  const text = canonical(name);
  if (text === '' || isPattern(text))
    throw new TypeError(`${where}: "${name}" is no name; it must have a token, and no wildcard`);
  return text;
}

function unsendable(why: string): string {
  return `the result cannot be sent: ${why}`;
}
