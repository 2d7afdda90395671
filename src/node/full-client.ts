// The client with all extensions of the protocol that a program may want. Pages have a smaller one.

import { Acknowledgements } from '../client/acknowledgements.js';
import type { Durables } from '../client/durables.js';
import { Groups } from '../client/groups.js';
import type { HistoryMessage } from '../client/history-message.js';
import type { HistoryOptions } from '../client/history.js';
import { Histories } from '../client/history.js';
import type {
  Message,
  MessageHandler,
  PublishOptions,
  SubscribeOptions,
  Subscription,
  WaitOptions,
} from '../client/index.js';
import { BaseClient } from '../client/index.js';
import { KeptRoutes } from '../client/kept-routes.js';
import { KeptValues } from '../client/kept-values.js';
import { Offer } from '../client/offer.js';
import type { About } from '../client/presence.js';
import { Presence } from '../client/presence.js';
import { Requests } from '../client/requests.js';
import { SlowSubscriptions } from '../client/slow-subscriptions.js';
import { requireTimeout } from '../client/wait-for.js';
import type { Will } from '../client/will.js';
import { LastWill } from '../client/will.js';
import type { HeadView } from '../contracts/index.js';
import { SpokeError, withDefaults } from '../contracts/index.js';
import * as ackControl from '../link/ack-control.js';
import { CLOSING } from '../link/closing-control.js';
import * as control from '../link/control.js';
import { JOIN } from '../link/group-control.js';
import { HISTORY, readHistory } from '../link/history-control.js';
import { systemClock } from '../link/index.js';
import type { Sink } from '../link/index.js';
import * as keptControl from '../link/kept-control.js';
import { PRESENCE, readPresence } from '../link/presence-control.js';
import { REPLY_PREFIX } from '../link/request-control.js';
import { MISSED, readMissed } from '../link/slow-control.js';
import type {
  CallOptions,
  Procedure,
  ProgressOptions,
  ProvideOptions,
  Provider,
  RpcClientOptions,
  StreamOptions,
} from '../rpc/index.js';
import { rpcOptions, RpcService } from '../rpc/index.js';

const FEATURES = [
  'ack',
  'requests',
  'kept',
  'groups',
  'slow',
  'presence',
  'will',
  'calls',
  'history',
  'closing',
] as const;

export interface FullClientOptions extends RpcClientOptions {
  /** What the client says of itself to those who look at who is connected (`client.presence`); at most 4,096 bytes. */
  readonly about?: About;
  /** Published when the connection of this client is lost: see `setWill`. */
  readonly will?: Will;
  /**
   * Milliseconds that `close` waits for what it was given as a member of groups and as a provider: until nothing more is on its
   * way, and handlers have done what they are at work on. Default 5,000; 0: not at all, and nothing is said of what is lost.
   */
  readonly closeTimeout?: number;
}

const DEFAULT_CLOSE_TIMEOUT = 5000;

/**
 * A `BaseClient` with remote calls, whose publishes are answered, that knows what is kept, and can be a member of groups. Programs
 * use `Client`.
 */
export class FullClient extends BaseClient {
  /** Remote calls on this client; `call`, `stream` and `provide` are its methods. */
  readonly rpc: RpcService;
  /** The persistent messages that the broker keeps: list, get, set and clear them. */
  readonly kept: KeptValues;
  /** Who else is connected to the same broker. */
  readonly presence: Presence;
  /** The durable subscriptions of this client's user: list and remove them. */
  readonly durables: Durables;
  readonly #histories: Histories;
  readonly #acks: Acknowledgements;
  readonly #will: LastWill;
  readonly #groups: Groups;
  readonly #sink: Sink;
  #closing: Promise<void> | undefined;
  /** Whether it takes nothing to publish any more: results of what it was given it does. */
  #shut = false;

  constructor(options: FullClientOptions) {
    const { codec, clock = systemClock } = options;
    const offer = new Offer(() => this.flush());
    const limits = withDefaults(options.limits);
    const { closeTimeout = DEFAULT_CLOSE_TIMEOUT } = options;
    requireTimeout(closeTimeout);
    const parts = {
      get url() {
        return options.address.href;
      },
      limits,
      clock,
      offer,
      connected: () => this.state === 'connected',
      tell: (channel: string, body: unknown) => void super.publish(channel, body, { bounce: false }).catch(() => {}),
    };
    const acks = new Acknowledgements(parts);
    const requests = new Requests(parts);
    const presence = new Presence({
      offer,
      tell: parts.tell,
      requests,
      report: (error) => this.report(error),
      about: options.about,
    });
    const will = new LastWill({ ...parts, flush: () => this.flush() }, options.will);
    const groups = new Groups({
      ...parts,
      codec,
      iteratorMessages: limits.iteratorMessages,
      closeTimeout,
      flush: () => this.flush(),
      plain: (pattern, handler) => super.subscribe(pattern, handler),
      report: (error) => this.report(error),
    });
    const histories = new Histories({
      ...parts,
      codec,
      requests,
      iteratorMessages: limits.iteratorMessages,
      closeTimeout,
      report: (error) => this.report(error),
    });
    const routes = new KeptRoutes(options.routes, (error) => this.report(error));
    const slow = new SlowSubscriptions(routes, { ...parts, report: (error) => this.report(error) });
    offer.onDecided((features) => routes.decide(features.has('kept')));
    // What only a broker says is believed from one that said that it would.
    const believed = (feature: string) => offer.features?.has(feature) === true;
    const features = () => this.features;
    const refusedToJoin = (view: HeadView): boolean => {
      const error = groups.active && believed('groups') ? control.readError(codec.decodeBody(view)) : undefined;
      if (error?.channel !== JOIN || error.pattern === undefined) return false;
      groups.refused(error.pattern, control.asError(error, parts.url));
      return true;
    };
    const hooks = {
      welcomed(this: void, welcome: unknown): void {
        const nonce = control.readGreeting(welcome)?.nonce ?? '';
        groups.welcomed(nonce);
        histories.welcomed(nonce);
        offer.decide(features());
      },
      kept: () => routes.kept,
      control(view: HeadView, link: { end(): void }): boolean {
        const { channel } = view.head;
        if (channel === control.ERROR && refusedToJoin(view)) return true;
        if (channel === control.ERROR) acks.refused();
        else if (channel === ackControl.ACK && believed('ack')) acks.answered(codec.decodeBody(view));
        else if (channel === keptControl.KEPT && believed('kept')) {
          const body = keptControl.readKept(codec.decodeBody(view));
          if (body !== undefined) routes.bracket(body);
        } else if (channel === keptControl.CLEARED && believed('kept')) {
          const body = keptControl.readCleared(codec.decodeBody(view));
          if (body !== undefined) routes.cleared(body);
        } else if (channel === PRESENCE && believed('presence')) {
          const body = readPresence(codec.decodeBody(view));
          if (body !== undefined) presence.heard(body);
        } else if (channel === MISSED && believed('slow')) {
          const body = readMissed(codec.decodeBody(view));
          if (body !== undefined) slow.missed(body);
        } else if (channel === HISTORY && believed('history')) {
          const body = readHistory(codec.decodeBody(view));
          if (body !== undefined) histories.heard(body);
        } else if (channel.startsWith(REPLY_PREFIX) && believed('requests')) {
          requests.answered(channel, codec.decodeBody(view));
        } else if (channel === CLOSING && believed('closing')) link.end();
        else return false;
        return channel !== control.ERROR;
      },
    };
    super({ ...options, routes: slow, extension: { features: FEATURES, offline: acks.offline, hooks } });
    this.rpc = new RpcService(this, rpcOptions(options));
    this.#acks = acks;
    this.#groups = groups;
    this.#histories = histories;
    this.durables = histories.durables;
    this.#will = will;
    this.presence = presence;
    this.#sink = options.sink;
    this.kept = this.makeKept(requests);
    this.on('state', (state, error) => {
      if (state === 'connected') groups.connected();
      if (state === 'reconnecting' || state === 'closed') {
        offer.lost();
        routes.lost();
        acks.lost();
        groups.lost();
        histories.lost();
      }
      if (state !== 'closed') return;
      acks.closed(error ?? closedError());
      requests.closed(error ?? closedError());
      groups.closed(error ?? closedError());
      histories.closed(error ?? closedError());
    });
  }

  override async subscribe(
    pattern: string,
    handler?: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const { group, durable, from, ...plain } = options;
    if (durable !== undefined || from !== undefined) return this.#histories.subscribe(pattern, handler, options);
    return group === undefined
      ? super.subscribe(pattern, handler, plain)
      : this.#groups.subscribe(pattern, group, handler, options);
  }

  override async *messages(pattern: string, options: SubscribeOptions = {}): AsyncGenerator<Message, void, undefined> {
    const { group, durable, from, signal } = options;
    if (group === undefined && durable === undefined && from === undefined) {
      yield* super.messages(pattern, options);
      return;
    }
    if (signal?.aborted === true) return;
    const subscription = await this.subscribe(pattern, undefined, options);
    try {
      yield* subscription;
      if (subscription.refusal !== undefined) throw subscription.refusal;
    } finally {
      await subscription.unsubscribe();
    }
  }

  /**
   * What was published on channels, as far as it is kept: from a place on, in order, up to what is there when reading begins.
   * @throws {SpokeError} (from the loop) `UNSUPPORTED`: no history has all of the pattern; `FORBIDDEN`, `STORE_FAILED`, `ABORTED`, `CLOSED`.
   */
  history(pattern: string, options: HistoryOptions = {}): AsyncGenerator<HistoryMessage, void, undefined> {
    return this.#histories.read(pattern, options);
  }

  protected override received(view: HeadView): void {
    if (this.#histories.active && this.#histories.message(view)) return;
    if (!this.#groups.active || !this.#groups.message(view)) super.received(view);
  }

  /** @internal */
  protected makeKept(requests: Requests): KeptValues {
    return new KeptValues(requests, (channel, body, how) => this.publish(channel, body, how));
  }

  /** Calls a procedure: see `RpcService.call`. */
  async call<R = unknown>(name: string, argument?: unknown, options?: CallOptions & ProgressOptions): Promise<R> {
    return this.rpc.call<R>(name, argument, options);
  }

  /** Calls a procedure and reads its result item by item: see `RpcService.stream`. */
  stream<T = unknown>(
    name: string,
    argument?: unknown,
    options?: StreamOptions,
  ): AsyncIterableIterator<T, undefined, undefined> {
    return this.rpc.stream<T>(name, argument, options);
  }

  /** Answers calls of a procedure: see `RpcService.provide`. */
  async provide<A = never, R = unknown>(
    name: string,
    procedure: Procedure<A, R>,
    options?: ProvideOptions,
  ): Promise<Provider> {
    return this.rpc.provide(name, procedure, options);
  }

  override async flush(options: WaitOptions = {}): Promise<void> {
    const { told } = this.#groups;
    await super.flush(options);
    // After a reconnect members join when the broker has said that it has groups: behind what was waited for.
    if (this.#groups.told !== told) await super.flush(options);
  }

  override publish(channel: string, body?: unknown, options?: PublishOptions): Promise<void> {
    if (this.#shut) return Promise.reject(closedError());
    try {
      const given = options?.ttl === undefined ? options : withTtl(options, options.ttl);
      const id = (given?.ack ?? given?.persist) === true ? this.#acks.next() : undefined;
      if (id === undefined) return super.publish(channel, body, given);
      const length = this.encode(channel, body, given, id);
      const frame = this.#sink.copyLast(length);
      return this.#acks.answer(frame, given?.signal, () => this.send(length, given?.signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Says what the broker publishes when this connection is lost (and every one after a reconnect), with the rights of this client;
   * `null`: nothing. A client that closes publishes none, and neither does a broker that ends.
   * @throws {SpokeError} `UNSUPPORTED`: the broker publishes no wills; `CLOSED`. What it refuses is an `error` event.
   */
  setWill(will: Will | null): Promise<void> {
    return this.#will.set(will);
  }

  /**
   * Takes no more jobs of its groups and calls of what it provides, has those done that it was given (`closeTimeout`; a handler that is
   * not done by then is an `error` event, so one of these must not wait for `close` itself), waits for a moment for answers that are to
   * come, sends what was handed to the connection, then ends it. Subscriptions end, what still waits for a connection or an
   * answer is refused with `CLOSED`. Idempotent; leaves no socket, timer or listener behind.
   */
  override close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  async #drain(): Promise<void> {
    const read = this.#histories.closing();
    const done = this.#groups.closing();
    if (done !== undefined) await done;
    if (read !== undefined) await read;
    this.#shut = true;
    const answers = this.#acks.closing();
    if (answers !== undefined) await answers;
    this.#will.bye();
    return super.close();
  }
}

/** @throws {TypeError} */
function withTtl(options: PublishOptions, ttl: number): PublishOptions {
  if (!(ttl > 0 && ttl < Infinity)) throw new TypeError('publish: ttl must be a number of milliseconds above 0');
  return { ...options, head: { ...options.head, [keptControl.TTL_KEY]: ttl / 1000 } };
}

function closedError(): SpokeError {
  return new SpokeError('CLOSED', 'the client was closed');
}
