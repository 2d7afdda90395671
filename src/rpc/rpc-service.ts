// Remote procedure calls, both sides, made of ordinary messages.

import type { BaseClient } from '../client/index.js';
import { systemClock } from '../link/index.js';
import { Answers } from './answers.js';
import { FullCaller } from './full-caller.js';
import type {
  CallOptions,
  Procedure,
  ProgressOptions,
  ProvideOptions,
  Provider,
  RpcOptions,
  StreamOptions,
} from './options.js';
import { Providers } from './providers.js';
import type { CallHost } from './running-call.js';

/** Provides and calls procedures on a client. Many services may share one client. */
export class RpcService implements AsyncDisposable {
  readonly #client: BaseClient;
  readonly #caller: FullCaller;
  readonly #providers = new Providers();
  readonly #host: CallHost;

  /** @throws {TypeError} for a timeout that is no number of milliseconds. */
  constructor(client: BaseClient, options: RpcOptions = {}) {
    this.#client = client;
    this.#caller = new FullCaller(client, options);
    this.#host = {
      caller: this.#caller,
      clock: options.clock ?? systemClock,
      publish: (channel, body) => client.publish(channel, body),
    };
  }

  /**
   * Answers calls of `name`. Resolves when the broker knows.
   * @param procedure - gets the argument, and what there is to know of the call.
   * @throws {TypeError} when the name is empty or holds a wildcard.
   * @throws {SpokeError} `CLOSED`; what `client.subscribe` throws.
   */
  async provide<A = never, R = unknown>(
    name: string,
    procedure: Procedure<A, R>,
    options: ProvideOptions = {},
  ): Promise<Provider> {
    return this.#providers.add(name, procedure, (procedureName) => {
      this.#caller.requireOpen();
      return new Answers(this.#client, this.#host, procedureName, procedure, options).open();
    });
  }

  /**
   * Calls `name` and resolves with the result of the first provider that answers. One that answers with a stream is read
   * to its end.
   * @typeParam R - what the provider returns; not checked.
   * @throws {RpcError} what the procedure threw: its code, message and data; `REMOTE` when it was no error with a code.
   * @throws {SpokeError} `NO_PROVIDER`; `PROVIDER_LOST`: its connection went (whether it ran is not known); both from brokers
   *   of ours only. `TIMEOUT`; `REPLY_MALFORMED`; `CONNECTION_LOST`: the connection of this client went while waiting (whether
   *   it ran is not known); `LIMIT_EXCEEDED`; `ABORTED`, `CLOSED`, and what `client.publish` throws.
   */
  async call<R = unknown>(name: string, argument?: unknown, options: CallOptions & ProgressOptions = {}): Promise<R> {
    // The one place where the type of a result is taken on trust: the caller named it.
    return (await this.#caller.call(name, argument, options)) as R;
  }

  /**
   * Calls `name` and reads its result item by item, no faster than it is read: the provider waits meanwhile. The call is made
   * when it is first read; leaving the loop ends it, and the provider is told. To be read once. An array of a provider that
   * does not stream is read as its items, any other value as one.
   * @typeParam T - what the items are; not checked.
   * @throws {TypeError} (at once) for a wrong name or window.
   * @throws (from the loop) as `call`, after the items that came before. `REPLY_MALFORMED` when some were lost.
   */
  stream<T = unknown>(
    name: string,
    argument?: unknown,
    options: StreamOptions = {},
  ): AsyncIterableIterator<T, undefined, undefined> {
    return this.#caller.stream<T>(name, argument, options);
  }

  /**
   * Ends what this service provides and waits for; the client goes on. For a service that is made for a while on a shared
   * client: one that lasts as long as its client ends with it. Idempotent.
   */
  async close(): Promise<void> {
    const closed = this.#caller.close();
    await this.#providers.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
