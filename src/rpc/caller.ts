// The caller's side: calls on their way, and how they end.

import type { BaseClient, MessageHandler, Subscription } from '../client/index.js';
import { randomId, requireTimeout } from '../client/index.js';
import type { Clock, HeadFields } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { systemClock } from '../link/index.js';
import { callChannel, callNumber, resultsPattern } from './channels.js';
import { requireName } from './name.js';
import type { CallOptions, RpcOptions } from './options.js';
import { readReply } from './reply.js';

/** A call on its way. */
interface Pending {
  readonly name: string;
  /** Whether it was handed to the connection of now: it, or its answer, is lost with that. Else it waits for the next. */
  sent: boolean;
  /** With the body of the result. */
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

/** What a `FullCaller` has to do with a call. */
export interface CallExtras {
  /** Further keys for the head of the message. */
  readonly head: HeadFields | undefined;
  /** The call is about to be made. @param untimed - ends its timeout. */
  begun?(number: number, channel: string, untimed: () => void): void;
  /** The call ends without an answer, while a provider may be at work. */
  gaveUp(channel: string, error: unknown): void;
}

/** Calls procedures on a client. Small, because pages load it. */
export class Caller {
  /** Default of calls, in milliseconds. */
  readonly timeout: number;
  protected readonly client: BaseClient;
  protected readonly clock: Clock;
  // Random, because results of all callers travel on one network.
  protected readonly id = randomId();
  protected readonly stopListening: () => void;
  protected results: Promise<Subscription | undefined> | undefined;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;

  constructor(client: BaseClient, { timeout = 30_000, clock = systemClock }: RpcOptions) {
    requireTimeout(timeout);
    this.client = client;
    this.timeout = timeout;
    this.clock = clock;
    this.stopListening = client.on('state', (state, cause) => {
      for (const pending of this.#pending.values()) {
        // What waited for the connection has been handed over by now.
        if (state === 'connected') pending.sent = true;
        if (state === 'closed') pending.reject(new SpokeError('CLOSED', 'the client was closed', { cause }));
        if (state === 'reconnecting' && pending.sent) pending.reject(connectionLost(pending.name, cause));
      }
    });
  }

  /**
   * Calls `name` and resolves with the result of the first provider that answers.
   * @typeParam R - what the provider returns; not checked.
   * @throws {RpcError} what the procedure threw: its code, message and data; `REMOTE` when it was no error with a code.
   * @throws {SpokeError} `TIMEOUT` (also when nobody provides it); `REPLY_MALFORMED`; `CONNECTION_LOST` when the connection
   *   went while waiting (whether it ran is not known); `ABORTED`, `CLOSED`, and what `client.publish` throws.
   */
  async call<R = unknown>(name: string, argument?: unknown, options: CallOptions = {}): Promise<R> {
    const procedure = requireName('call', name);
    // The one place where the type of a result is taken on trust: the caller named it.
    return readReply(procedure, await this.begin(procedure, argument, options)) as R;
  }

  /**
   * Makes a call. Resolves with the body of its result.
   * @internal
   */
  protected begin(
    name: string,
    argument: unknown,
    { timeout = this.timeout, signal }: CallOptions,
    extras?: CallExtras,
  ): Promise<unknown> {
    // Late answers, answers of a second provider and forged numbers find nobody waiting.
    this.results ??= this.listen(resultsPattern(this.id), ({ channel, body }) =>
      this.#pending.get(callNumber(channel))?.resolve(body),
    );
    requireTimeout(timeout);
    const number = ++this.#calls;
    const channel = callChannel(name, this.id, number);
    // Takes the call back while it waits for a connection. Not made for nothing: an abort costs more than a whole call.
    const sent = this.client.state === 'connected';
    const waiting = sent ? undefined : new AbortController();
    return new Promise((resolve, reject) => {
      let untimed = (): void => {};
      const end = () => {
        this.#pending.delete(number);
        // Nothing happens twice; and a table that the map has left behind holds on to nothing more.
        pending.resolve = pending.reject = ended;
        untimed();
        waiting?.abort();
        signal?.removeEventListener('abort', aborted);
      };
      const pending: Pending = {
        name,
        sent,
        resolve: (reply) => {
          end();
          resolve(reply);
        },
        reject: (error) => {
          end();
          if (pending.sent) extras?.gaveUp(channel, error);
          reject(error);
        },
      };
      const fail = (code: 'ABORTED' | 'TIMEOUT', text: string, cause?: unknown) =>
        pending.reject(new SpokeError(code, text, { cause, details: { procedure: name } }));
      const aborted = () => fail('ABORTED', `call of ${name} was aborted`, signal?.reason);
      this.#pending.set(number, pending);
      if (signal?.aborted) {
        // Nobody has heard of it.
        pending.sent = false;
        aborted();
        return;
      }
      if (timeout !== Infinity) {
        untimed = this.clock.setTimer(timeout, () =>
          fail('TIMEOUT', `no answer from ${name} within ${timeout} ms; is a provider connected?`),
        );
      }
      signal?.addEventListener('abort', aborted, { once: true });
      extras?.begun?.(number, channel, untimed);
      const head = extras?.head;
      const how = waiting ? { signal: waiting.signal, ...(head && { head }) } : head && { head };
      this.client.publish(channel, argument, how).catch((error: unknown) => pending.reject(error));
    });
  }

  // Calls do not wait for it: a call leaves after it on the same connection, so its answer finds it in place. Never rejects.
  protected async listen(pattern: string, handler: MessageHandler): Promise<Subscription | undefined> {
    try {
      return await this.client.subscribe(pattern, handler);
    } catch (error) {
      this.results = undefined;
      this.fail(error);
      return undefined;
    }
  }

  protected fail(error: unknown): void {
    for (const pending of this.#pending.values()) pending.reject(error);
  }
}

function ended(): void {}

function connectionLost(name: string, cause: unknown): SpokeError {
  const text = `the connection was lost while ${name} was called; it may have run`;
  return new SpokeError('CONNECTION_LOST', text, { cause, retryable: true, details: { procedure: name } });
}
