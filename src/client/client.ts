// The client without remote calls and without a platform: what Node and browsers have in common.

import type { Address, ClientCodec, Clock, CloseReason, Connection, HeadView, Limits } from '../contracts/index.js';
import { SpokeError, withDefaults } from '../contracts/index.js';
import type { Sink } from '../link/index.js';
import { systemClock } from '../link/index.js';
import { Barrier } from './barrier.js';
import { Connector } from './connector.js';
import { ClientEmitter } from './emitter.js';
import { Message } from './message.js';
import { OfflineQueue, queueFull } from './offline-queue.js';
import type {
  BaseClientOptions,
  ClientEvents,
  ClientExtension,
  ClientState,
  PublishOptions,
  WaitOptions,
} from './options.js';
import { randomId } from './random-id.js';
import type { SessionOptions } from './session.js';
import { ClientSession } from './session.js';
import type { SubscribeOptions } from './subscribe-options.js';
import type { MessageHandler, Subscription } from './subscription.js';
import { Subscriptions } from './subscriptions.js';
import { waitFor } from './wait-for.js';

const WRITTEN = Promise.resolve();
const CLOSE_TIMEOUT = 1000;
const NO_FEATURES: ReadonlySet<string> = new Set();
const DEFAULT_HEARTBEAT = 15_000;

/**
 * Publishes and subscribes over one connection, and connects again for ever when it is lost.
 * Subscriptions survive; what was published meanwhile waits, within `limits.offlineBytes`.
 */
export class BaseClient implements AsyncDisposable {
  readonly #address: Address;
  readonly #codec: ClientCodec;
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #sink: Sink;
  readonly #sessionOptions: Omit<SessionOptions, 'url'>;
  readonly #events = new ClientEmitter();
  readonly #subscriptions: Subscriptions;
  readonly #offline: OfflineQueue;
  readonly #barrier: Barrier;
  readonly #abort = new AbortController();
  readonly #connector: Connector;
  readonly #hooks: ClientExtension['hooks'] | undefined;

  #state: ClientState = 'idle';
  /** Where it is connected, and logged in if need be. */
  #session: ClientSession | undefined;
  #link: ClientSession['link'] | undefined;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  /** Of messages that wait in a full connection. */
  readonly #undrained: (() => void)[] = [];
  #ended: SpokeError | undefined;

  /** @throws {TypeError} for a wrong option. */
  constructor(options: BaseClientOptions) {
    const { address, transport, heartbeat = DEFAULT_HEARTBEAT, reconnect, extension, auth } = options;
    this.#address = address;
    this.#codec = options.codec;
    this.#limits = withDefaults(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#sink = options.sink;
    if (!(heartbeat === false || heartbeat === 0 || heartbeat >= 1000)) {
      throw new TypeError('heartbeat must be false, or at least 1000 (milliseconds)');
    }
    this.#sessionOptions = {
      codec: this.#codec,
      limits: this.#limits,
      clock: this.#clock,
      sink: this.#sink,
      makeOutbox: options.makeOutbox,
      id: randomId(),
      heartbeat: heartbeat === false ? 0 : heartbeat,
      features: extension?.features ?? [],
      ...(auth && { auth }),
    };
    this.#hooks = extension?.hooks;
    this.#offline = extension?.offline ?? new OfflineQueue(this.#limits.offlineBytes);
    this.#barrier = new Barrier(this.#clock, (number) => this.#session?.ping(number));
    this.#subscriptions = new Subscriptions({
      routes: options.routes,
      iteratorMessages: this.#limits.iteratorMessages,
      send: (channel, pattern, bounce) => this.#session?.send(channel, pattern, bounce),
      report: (error) => this.report(error),
    });
    const parts = {
      address,
      transport,
      limits: this.#limits,
      clock: this.#clock,
      reconnect,
      signal: this.#abort.signal,
    };
    this.#connector = new Connector(parts, {
      serve: (connection) => this.#serve(connection),
      lost: (error) => this.#enter('reconnecting', error),
      retry: (error, delay) => this.#events.retry(error, delay),
      failed: (error) => void (this.#closed ??= this.#close(error)),
    });
  }

  /** The broker that it is connected to, was connected to last, or tries to reach. */
  get url(): string {
    return this.#address.href;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Extensions that the broker of the current connection offers; empty with a peer's broker. */
  get features(): ReadonlySet<string> {
    return this.#session?.features ?? NO_FEATURES;
  }

  /** Listens to an event. Returns a function that stops listening. */
  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * Begins to connect, and resolves on the first connection. Idempotent. An attempt that fails is repeated, unless
   * `reconnect` is `false`.
   * @throws {SpokeError} `TIMEOUT` (with the last failure as its cause) and `ABORTED`: the client is closed then;
   *   `CONNECT_FAILED` and the like when trying again is off or would not help; `CLOSED`.
   */
  async connect(options: WaitOptions = {}): Promise<void> {
    if (this.#state === 'connected') return;
    this.#requireOpen();
    let lastFailure: SpokeError | undefined;
    const stops: (() => void)[] = [];
    const connected = new Promise<void>((resolve, reject) => {
      stops.push(
        this.on('retry', (error) => (lastFailure = error)),
        this.on('state', (state, error) => {
          if (state === 'connected') resolve();
          if (state === 'closed') reject(error ?? closedError());
        }),
      );
    });
    this.#running ??= this.#run();
    try {
      await waitFor(
        connected,
        options,
        this.#clock,
        () => `no connection to ${this.url}`,
        () => lastFailure,
      );
    } catch (error) {
      if (error instanceof SpokeError && (error.code === 'TIMEOUT' || error.code === 'ABORTED')) await this.close();
      throw error;
    } finally {
      for (const stop of stops) stop();
    }
  }

  /**
   * Publishes a message. Resolves when it was handed to the connection, which is at once unless there is none or it is
   * full; a broker that goes away may still lose it. With `client.flush()` one knows that the broker has it.
   *
   * A persistent one, and any with `ack: true`, resolves when the broker has answered, if it does (`PublishOptions.ack`).
   * @param body - a value in the domain of the codec (`docs/protocol.md#values`); `undefined` means `null`.
   * @throws {SpokeError} (as a rejection) `NOT_ENCODABLE`; `LIMIT_EXCEEDED`: longer than `limits.messageBytes`;
   *   `QUEUE_FULL`: too much waits already; `ABORTED`; `CLOSED`. When the broker answers: its code, `STORE_FAILED` and
   *   `LIMIT_EXCEEDED` above all.
   */
  publish(channel: string, body?: unknown, options?: PublishOptions): Promise<void> {
    try {
      return this.send(this.encode(channel, body, options), options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Writes a message to the client's sink. Returns its length.
   * @internal
   */
  protected encode(channel: string, body: unknown, options: PublishOptions | undefined, id?: string): number {
    this.#requireOpen();
    if (typeof channel !== 'string') throw new TypeError('publish: the channel must be a string');
    if (options?.signal?.aborted)
      throw new SpokeError('ABORTED', 'publish was aborted', { cause: options.signal.reason });
    const length = this.#codec.encode(
      options === undefined ? { channel } : outgoing(channel, options, id),
      body,
      this.#sink,
    );
    this.#requireFits(channel, length);
    return length;
  }

  /** Makes it an `error` event: for code built on a client that has nobody to throw it to. */
  report(error: SpokeError): void {
    this.#events.error(error);
  }

  /**
   * Sends what was written last. Resolves when it was handed to the connection.
   * @internal
   */
  protected send(length: number, signal: AbortSignal | undefined): Promise<void> {
    const sink = this.#sink;
    const end = sink.position;
    const link = this.#session?.link;
    // One that the client has ended takes nothing more: it waits for the next.
    if (link?.ended !== false) return this.#offline.add(sink.copyLast(length), signal);
    const { outbox } = link;
    if (!outbox.blocked) {
      outbox.push(sink.block, end - length, end);
      return WRITTEN;
    }
    const { offlineBytes } = this.#limits;
    if (outbox.backlogBytes + length > offlineBytes) return Promise.reject(queueFull(offlineBytes));
    outbox.push(sink.block, end - length, end);
    return new Promise((resolve) => this.#undrained.push(resolve));
  }

  /**
   * Subscribes. Resolves when the subscription has taken effect in the broker (kept messages that match have been sent
   * by then), and again after each reconnect on its own. While there is no connection it waits.
   * @param pattern - `*` stands for one token, `**` for any number.
   * @param handler - called for each message. Without one, read the subscription as an async iterator.
   * @throws {SpokeError} `ABORTED`, `CLOSED`; the broker's code when it refuses and can say so.
   */
  async subscribe(pattern: string, handler?: MessageHandler, options: SubscribeOptions = {}): Promise<Subscription> {
    this.#requireOpen();
    if (typeof pattern !== 'string') throw new TypeError('subscribe: the pattern must be a string');
    if (handler !== undefined && typeof handler !== 'function')
      throw new TypeError('subscribe: the handler must be a function');
    if (options.signal?.aborted) {
      throw new SpokeError('ABORTED', `subscribing to ${pattern}: aborted`, { cause: options.signal.reason });
    }
    const subscription = this.#subscriptions.add(pattern, handler, options);
    const { passed, forget } = this.#barrier.wait();
    const accepted = this.#subscriptions.accepted(subscription, passed);
    try {
      await waitFor(accepted, options, this.#clock, () => `subscribing to ${pattern}`);
      return subscription;
    } catch (error) {
      await subscription.unsubscribe();
      throw error;
    } finally {
      forget();
    }
  }

  /**
   * The messages of a pattern as an async iterator, which subscribes when it is first read. It ends when the loop is
   * left, when `signal` aborts, and when the client closes.
   * @throws {SpokeError} (from the loop) the broker's code when it refuses the pattern and can say so.
   */
  async *messages(pattern: string, options: SubscribeOptions = {}): AsyncGenerator<Message, void, undefined> {
    const { signal } = options;
    if (signal?.aborted) return;
    this.#requireOpen();
    // Not awaited: what the broker sends at once must find its reader.
    const subscription = this.#subscriptions.add(pattern, undefined, options);
    const { passed, forget } = this.#barrier.wait();
    // A refusal ends the subscription and is thrown below; that the client closed is an end like any other.
    this.#subscriptions.accepted(subscription, passed).catch(() => {});
    try {
      yield* subscription;
      if (subscription.refusal !== undefined) throw subscription.refusal;
    } finally {
      forget();
      await subscription.unsubscribe();
    }
  }

  /**
   * Resolves when the broker has handled everything this client sent before. Waits for a connection; after a
   * reconnect it speaks for what was sent on the new one.
   * @throws {SpokeError} `TIMEOUT`, `ABORTED`, `CLOSED`.
   */
  async flush(options: WaitOptions = {}): Promise<void> {
    this.#requireOpen();
    const { passed, forget } = this.#barrier.wait();
    try {
      await waitFor(passed, options, this.#clock, () => `flush: no answer from ${this.url}`);
    } finally {
      forget();
    }
  }

  /**
   * Sends what was handed to the connection, then ends it. Subscriptions end, what still waits for a connection is
   * refused with `CLOSED`. Idempotent; leaves no socket, timer or listener behind.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close(undefined);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    this.#enter('connecting', undefined);
    await this.#connector.run();
  }

  async #serve(connection: Connection): Promise<CloseReason> {
    return new Promise((resolve) => {
      const owner = {
        ...this.#hooks,
        message: (view: HeadView) => this.received(view),
        report: (error: SpokeError) => this.report(error),
        refused: (pattern: string, error: SpokeError) => this.#subscriptions.refused(pattern, error),
        pinged: (number: number) => this.#barrier.returned(number),
        ready: () => {
          if (this.#session || session.link.ended) return;
          this.#session = session;
          this.#subscriptions.restore();
          this.#offline.flush((frame) => session.link.outbox.push(frame, 0, frame.length));
          this.#barrier.connected();
          this.#enter('connected', undefined);
        },
        drain: () => this.#release(),
        close: (reason: CloseReason) => {
          this.#session = undefined;
          this.#release();
          resolve(reason);
        },
      };
      const session = new ClientSession(connection, owner, { ...this.#sessionOptions, url: this.url });
      this.#link = session.link;
      if (this.#abort.signal.aborted) session.link.fail(closedError());
      session.start();
      if (!this.#sessionOptions.auth) owner.ready();
    });
  }

  /**
   * A message that is not for the client itself.
   * @internal
   */
  protected received(view: HeadView): void {
    const subscriptions = this.#subscriptions.route(view.head.channel);
    if (subscriptions.length === 0) return;
    const message = new Message(view.head, view.time, this.#codec.decodeBody(view), this.#hooks?.kept?.());
    for (const subscription of subscriptions) subscription.deliver(message);
  }

  async #close(error: SpokeError | undefined): Promise<void> {
    const reason = error ?? closedError();
    this.#ended = reason;
    this.#abort.abort(reason);
    this.#offline.close(reason);
    this.#barrier.close(reason);
    this.#subscriptions.end();
    const link = this.#link;
    link?.end();
    this.#enter('closed', error);
    const cancel = this.#clock.setTimer(CLOSE_TIMEOUT, () => link?.fail(closedError()));
    // A failure is closing from within the loop, which must not wait for itself.
    if (error === undefined) await this.#running;
    cancel();
  }

  #enter(state: ClientState, error: SpokeError | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    this.#events.state(state, error);
  }

  #release(): void {
    for (const resolve of this.#undrained.splice(0)) resolve();
  }

  #requireOpen(): void {
    if (this.#ended !== undefined) throw new SpokeError('CLOSED', 'this client is closed', { cause: this.#ended });
  }

  #requireFits(channel: string, length: number): void {
    if (length <= this.#limits.messageBytes) return;
    throw new SpokeError(
      'LIMIT_EXCEEDED',
      `${channel}: the message has ${length} bytes, more than ${this.#limits.messageBytes} (limits.messageBytes)`,
      { details: { channel, length } },
    );
  }
}

function outgoing(channel: string, options: PublishOptions, id: string | undefined) {
  const { persist, bounce, time, head } = options;
  return {
    channel,
    id,
    ...(time !== undefined && { time }),
    ...(bounce === false && { bounce }),
    ...(persist === true && { persist }),
    ...(head !== undefined && { fields: head }),
  };
}

function closedError(): SpokeError {
  return new SpokeError('CLOSED', 'the client was closed');
}
