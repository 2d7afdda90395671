// The broker: listens, lets connections in, joins them by an Exchange, and ends everything cleanly.

import { randomBytes } from 'node:crypto';

import type { AccessOptions } from '../access/index.js';
import { Access } from '../access/index.js';
import { JsonCodec, MsgpackCodec, requireDistinctCodecs } from '../codecs/index.js';
import type { Clock, CloseReason, Codec, Connection, Identity, Limits } from '../contracts/index.js';
import { silentLogger, SpokeError, withDefaults } from '../contracts/index.js';
import type { OutboundTotal } from '../link/index.js';
import { Recognition, systemClock, Turn } from '../link/index.js';
import { MemoryStore, storeAt } from '../stores/index.js';
import type { ListenEndpoint } from '../transports/index.js';
import { TransportRegistry } from '../transports/index.js';
import { nodeTransports } from '../transports/node.js';
import { VERSION } from '../version.js';
import { Admission } from './admission.js';
import { CalmLog } from './calm-log.js';
import type { Door } from './endpoints.js';
import { Endpoints } from './endpoints.js';
import { Exchange } from './exchange.js';
import type { BrokerOptions, BrokerPresence, BrokerStats, ReloadOptions } from './options.js';
import { Places } from './places.js';
import { needsRestart } from './needs-restart.js';
import { Retained } from './retained.js';
import { Session } from './session.js';
import { Transcoder } from './transcoder.js';
import { TurnedAway } from './turned-away.js';

const DEFAULT_CLOSE_TIMEOUT = 1000;

/**
 * Passes messages between connections: wildcard subscriptions, persistent messages, any number of endpoints.
 *
 * States: new -> open -> closed. Several brokers may live in one process.
 */
export class Broker {
  readonly #listen: readonly ListenEndpoint[];
  readonly #codecs: readonly Codec[];
  readonly #limits: Limits;
  readonly #logger: CalmLog;
  readonly #clock: Clock;
  readonly #options: BrokerOptions;
  readonly #turn: Turn;
  readonly #retained: Retained;
  readonly #exchange: Exchange;
  readonly #total: OutboundTotal;
  readonly #onChunk = (): void => this.#turn.begin();
  readonly #sessions = new Set<Session>();
  /** By which each came in. */
  readonly #doors = new WeakMap<Session, Door>();
  readonly #admission: Admission;
  #access: Access | undefined;
  readonly #endpoints: Endpoints;
  readonly #abort = new AbortController();
  readonly #places: Places;
  readonly #turnedAway: TurnedAway;
  #overLimit = 0;
  #opened: Promise<void> | undefined;
  #storeOpened: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #allEnded: (() => void) | undefined;

  /**
   * @throws {TypeError} for a limit that is not a positive number, and for a store that lasts beside a backplane.
   * @throws {SpokeError} `DUPLICATE`: two transports of one scheme, or two codecs of one name. `UNKNOWN_SCHEME`,
   *   `ADDRESS_INVALID`: the store's URL.
   */
  constructor(options: BrokerOptions = {}) {
    const { listen } = options;
    this.#options = options;
    this.#listen = listen === undefined ? [{}] : Array.isArray(listen) ? listen : [listen];
    const transports = new TransportRegistry(options.transports ?? nodeTransports());
    this.#codecs = requireDistinctCodecs(options.codecs ?? [new JsonCodec(), new MsgpackCodec()]);
    this.#limits = withDefaults(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#logger = new CalmLog(options.logger ?? silentLogger, this.#clock, this.#limits);
    this.#places = new Places(this.#limits);
    this.#turn = new Turn(this.#clock);
    const { store = new MemoryStore() } = options;
    const kept = typeof store === 'string' ? storeAt(store) : store;
    if (options.backplane?.joins === true && !(kept instanceof MemoryStore)) {
      throw new TypeError('options.store: a backplane keeps persistent messages for all brokers; leave the store out');
    }
    this.#retained = new Retained({
      store: kept,
      limits: this.#limits,
      logger: this.#logger,
      clock: this.#clock,
    });
    const limits = this.#limits;
    this.#total = {
      bytes: 0,
      get limit() {
        return limits.totalOutboundBytes;
      },
      exceeded: () => this.#endSlowest(),
    };
    this.#endpoints = new Endpoints({
      transports,
      limits,
      places: this.#places,
      turn: this.#turn,
      total: this.#total,
      logger: this.#logger,
      signal: this.#abort.signal,
      accept: (connection, door) => this.#accept(connection, door),
    });
    this.#turnedAway = new TurnedAway({
      codecs: this.#codecs,
      limits: this.#limits,
      clock: this.#clock,
      turn: this.#turn,
    });
    this.#access = options.access === undefined ? undefined : new Access(options.access);
    this.#admission = new Admission({
      authenticator: options.authenticator ?? this.#access,
      limits: this.#limits,
      clock: this.#clock,
      logger: this.#logger,
    });
    this.#exchange = new Exchange({
      admission: this.#admission,
      limits: this.#limits,
      logger: this.#logger,
      turn: this.#turn,
      retained: this.#retained,
      transcoder: new Transcoder(this.#codecs, this.#limits),
      authorizer: options.authorizer ?? this.#access,
      server: { server: `spoke/${VERSION}`, id: randomBytes(12).toString('hex') },
      sessions: this.#sessions,
      backplane: options.backplane,
      random: options.random ?? Math.random,
      showControl: options.showControl ?? true,
      allowHold: options.allowHold ?? true,
      ended: (session, reason) => this.#ended(session, reason),
    });
  }

  /**
   * Makes a broker and opens it.
   * @throws what the constructor and `open` throw.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const broker = new Broker(options);
    await broker.open();
    return broker;
  }

  /** Where it can be reached, with the ports that were really taken; in the order of `listen`. */
  get addresses(): readonly string[] {
    return this.#endpoints.addresses;
  }

  /** Who is connected, and what they subscribe to and provide. */
  get presence(): BrokerPresence {
    return this.#exchange.presence;
  }

  get stats(): BrokerStats {
    const { store } = this.#retained;
    const { cut, ...counters } = this.#exchange.counters;
    return {
      connections: this.#places.taken,
      subscriptions: this.#exchange.router.size,
      kept: { messages: store.size, bytes: store.bytes },
      outboundBytes: this.#total.bytes,
      socketBytes: [...this.#sessions].reduce((sum, { link }) => sum + link.connection.pendingBytes, 0),
      turnedAway: this.#turnedAway.count,
      ...counters,
      cut: cut + this.#overLimit,
      unlogged: this.#logger.omitted,
    };
  }

  /**
   * Opens the store and the endpoints. Idempotent. When one fails, all are closed again, the broker with them.
   * @throws {SpokeError} `ADDRESS_IN_USE`, `ADDRESS_INVALID`, `LISTEN_FAILED`, `UNKNOWN_SCHEME`, `STORE_FAILED`;
   *   `CLOSED` after `close`.
   */
  async open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /**
   * Listens on one more endpoint.
   * @returns where it can be reached.
   * @throws as `open`; the other endpoints go on. `TypeError`: a limit that is none, or not one of endpoints.
   */
  async listen(endpoint: ListenEndpoint): Promise<string> {
    return this.#endpoints.open(endpoint);
  }

  /**
   * Stops accepting, lets calls in flight be answered (at most for `closeTimeout`), has clients end and sends what is queued
   * (again at most for `closeTimeout`), ends all connections, closes the store.
   * Idempotent; leaves no socket, timer or listener behind.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * Lets other users, rules, limits and endpoints hold from now on, also for who is connected; certificates are read again. Connections
   * go on, but for those of users that are no more, or not by what they were known by. When it throws, nothing has changed. What
   * of the limits holds after a restart only is said in the log (`docs/limits.md#changing-them`).
   * @throws {TypeError} as the constructor. @throws {SpokeError} as `listen`; `LISTEN_FAILED`: a certificate cannot be used.
   */
  async reload({ access, limits, listen }: ReloadOptions): Promise<void> {
    const before = { ...this.#limits };
    const wanted = limits === undefined ? before : withDefaults(limits);
    // Finds out what is wrong with it.
    if (access !== undefined) new Access(access);
    const endpoints = await this.#endpoints.prepare(listen, wanted);
    if (access !== undefined) this.#obey(access);
    Object.assign(this.#limits, wanted);
    await endpoints.apply();
    this.#exchange.limited();
    for (const text of needsRestart(before, wanted, this.#options.backplane !== undefined)) this.#logger.warn({}, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #obey(access: AccessOptions): void {
    const { authenticator, authorizer } = this.#options;
    if (this.#access === undefined) this.#access = new Access(access);
    else this.#access.update(access);
    this.#admission.authenticator = authenticator ?? this.#access;
    this.#exchange.obey({ authorizer: authorizer ?? this.#access, takesLogins: this.#admission.takesLogins });
  }

  async #open(): Promise<void> {
    this.#requireOpen();
    try {
      await (this.#storeOpened = this.#retained.store.open());
      this.#requireOpen();
      this.#exchange.opened();
      await this.#exchange.join(this.#abort.signal);
      this.#requireOpen();
      for (const endpoint of this.#listen) await this.listen(endpoint);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #close(): Promise<void> {
    const closed = new SpokeError('CLOSED', 'the broker was closed');
    this.#abort.abort(closed);
    this.#admission.close(closed);
    this.#turnedAway.close(closed);
    await this.#endpoints.close();
    await this.#untilQuiet();
    this.#exchange.close();
    if (this.#sessions.size > 0) await this.#untilAllEnded();
    await this.#exchange.leave();
    // Whether it could be opened is the affair of `open`.
    await this.#storeOpened?.catch(() => undefined);
    this.#retained.close();
    await this.#retained.store.close();
    this.#logger.info({ ...this.#exchange.counters }, 'closed');
    this.#logger.close();
  }

  // Calls in flight are answered.
  async #untilQuiet(): Promise<void> {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.setTimer(this.#options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT, resolve);
    });
    await Promise.race([this.#exchange.quiet(), late]);
    cancel();
  }

  async #untilAllEnded(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.setTimer(this.#options.closeTimeout ?? DEFAULT_CLOSE_TIMEOUT, () => {
        for (const session of this.#sessions) session.link.fail(new SpokeError('CLOSED', 'the broker was closed'));
      });
      this.#allEnded = () => {
        cancel();
        resolve();
      };
    });
  }

  #requireOpen(): void {
    if (this.#abort.signal.aborted) throw new SpokeError('CLOSED', 'this broker was closed; make a new one');
  }

  #accept(connection: Connection, door: Door): void {
    const { address } = connection.peer;
    if (this.#abort.signal.aborted) {
      connection.abort(new SpokeError('CLOSED', 'the broker is closing'));
      return;
    }
    const full = door.places.take(address);
    if (full !== undefined) {
      this.#logger.warn({ code: full.code, from: address }, full.message);
      this.#turnedAway.take(connection, full);
      return;
    }
    if (this.#admission.authenticator === undefined) {
      this.#start(connection, door, undefined);
      return;
    }
    void this.#admission.ask(connection.peer).then((answer) => {
      const unknown = answer instanceof Error;
      if (!this.#abort.signal.aborted && (!unknown || this.#admission.takesLogins)) {
        this.#start(connection, door, unknown ? undefined : answer, unknown);
        return;
      }
      door.places.leave(address);
      connection.abort(unknown ? answer : new SpokeError('CLOSED', 'the broker is closing'));
    });
  }

  /** @param outside - whether it has to log in first. */
  #start(connection: Connection, door: Door, identity: Identity | undefined, outside = false): void {
    const session = new Session(connection, identity, this.#exchange, {
      recognition: new Recognition(connection, this.#codecs),
      limits: door.limits,
      makeOutbox: door.makeOutbox,
      onChunk: this.#onChunk,
      clock: this.#clock,
    });
    this.#sessions.add(session);
    this.#doors.set(session, door);
    if (outside) this.#exchange.authenticating.started(session);
    this.#exchange.presence.started(session);
    this.#logger.debug({ from: session.address }, 'connected');
    session.link.start();
  }

  #ended(session: Session, reason: CloseReason): void {
    this.#sessions.delete(session);
    this.#doors.get(session)?.places.leave(session.address);
    if (reason.error?.code === 'SLOW_CONSUMER') this.#overLimit++;
    const { address, refusals } = session;
    if (reason.error !== undefined && reason.error.code !== 'CONNECTION_LOST') {
      this.#logger.warn({ from: address, code: reason.error.code }, `ended: ${reason.error.message}`);
    } else {
      this.#logger.debug({ from: address, by: reason.by, ...(refusals > 0 && { refusals }) }, 'disconnected');
    }
    if (this.#sessions.size === 0) this.#allEnded?.();
  }

  // The readers together wait for more than the broker may hold: the one that waits for most has to go.
  #endSlowest(): void {
    while (this.#total.bytes > this.#total.limit) {
      let slowest: Session | undefined;
      for (const session of this.#sessions) {
        if (session.link.ended) continue;
        if (slowest === undefined || session.link.outbox.backlogBytes > slowest.link.outbox.backlogBytes)
          slowest = session;
      }
      if (slowest === undefined) return;
      slowest.link.fail(
        new SpokeError(
          'SLOW_CONSUMER',
          `${slowest.address} reads too slowly: all connections together hold more than ${this.#total.limit} bytes ` +
            '(limits.totalOutboundBytes), and it holds most',
        ),
      );
    }
  }
}
