// A read-only view of a broker for others: docs/bridges.md#proxy.

import { createNanoEvents } from 'nanoevents';

import { Broker } from '../broker/index.js';
import type { BackoffOptions, Login, WaitOptions } from '../client/index.js';
import { randomId, reportUnheard } from '../client/index.js';
import type {
  Address,
  Authenticator,
  Clock,
  Codec,
  Connection,
  ConnectOptions,
  Identity,
  Limits,
  Listener,
  ListenOptions,
  Logger,
  PeerInfo,
  SpokeError,
  Transport,
} from '../contracts/index.js';
import type { Endpoint, ListenEndpoint } from '../transports/index.js';
import { MemoryTransport } from '../transports/index.js';
import { nodeTransports } from '../transports/node.js';
import { Bridge } from './bridge.js';

export interface ProxyOptions {
  /** The private broker: a URL, or `{host, port}` for TCP. */
  readonly url: Endpoint;
  /** Where public clients connect: URLs, or `{host, port}` for TCP. */
  readonly listen: ListenEndpoint | readonly ListenEndpoint[];
  /** Channels and patterns that they may see. */
  readonly channels: readonly string[];
  /** A codec or the name of a built-in one, for the private side. Default `json`. */
  readonly codec?: Codec | string;
  /** Codecs that public clients may speak. Default: JSON and msgpack. */
  readonly codecs?: readonly Codec[];
  /** For both sides. Default: TCP, TLS, Unix sockets and WebSocket. */
  readonly transports?: readonly Transport[];
  /** Who the proxy is to the private broker, as `auth` of a `Client`. Default: nobody. */
  readonly auth?: Login;
  /** Who may connect to the public side. Default: everyone. */
  readonly authenticator?: Authenticator;
  /** For both sides. */
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** Of the public side. Default: silent. */
  readonly logger?: Logger;
  /** How to connect to the private broker again, for ever. */
  readonly reconnect?: BackoffOptions;
}

/** A snapshot. Counts are since the start. */
export interface ProxyStatus {
  /** Whether the private broker is there. Without it, clients are served what is kept. */
  readonly connected: boolean;
  /** Public clients. */
  readonly clients: number;
  /** Messages that came from the private broker. */
  readonly received: number;
  /** Messages sent to public clients. */
  readonly delivered: number;
  /** Messages that public clients wanted to publish. */
  readonly refused: number;
  /** Persistent messages that the proxy keeps a copy of. */
  readonly kept: { readonly messages: number; readonly bytes: number };
}

export interface ProxyEvents {
  /** The private broker was connected, or lost; then `error` says how. */
  connected: (connected: boolean, error: SpokeError | undefined) => void;
  /** An attempt to connect to the private broker failed; the next follows. */
  retry: (error: SpokeError) => void;
  /** A message could not be taken over. Without a listener it becomes a process warning. */
  error: (error: SpokeError) => void;
}

const PROXY: Identity = Object.freeze({ name: 'proxy' });
const PUBLIC: Identity = Object.freeze({ name: 'public' });
const WITHIN = 'within';

/**
 * Shows some channels of a private broker to clients that may subscribe to them, and do nothing else. They have a broker of
 * their own, with its own copy of what is kept: whatever they do, the private one has a single connection that reads.
 *
 * @example
 * await using proxy = new Proxy({ url: 'tcp://inside:7181', listen: 'ws://:7182', channels: ['weather/**', 'status'] });
 * await proxy.start();
 */
export class Proxy implements AsyncDisposable {
  readonly #broker: Broker;
  readonly #bridge: Bridge;
  readonly #events = createNanoEvents<ProxyEvents>();

  /**
   * Opens nothing yet: `start` does.
   * @throws {TypeError} for a wrong option.
   * @throws {SpokeError} `ADDRESS_INVALID`, `UNKNOWN_SCHEME`, `UNKNOWN_CODEC`, `DUPLICATE`.
   */
  constructor(options: ProxyOptions) {
    const { url, listen, channels, codec, codecs, authenticator, logger, transports = nodeTransports() } = options;
    if (channels.length === 0) throw new TypeError('channels: without one there is nothing to see');
    const within = new Within(options.clock);
    const endpoints: readonly ListenEndpoint[] = Array.isArray(listen) ? listen : [listen];
    const inside = `${WITHIN}://${randomId()}`;
    const shared = {
      transports: [...transports, within],
      ...(options.limits !== undefined && { limits: options.limits }),
      ...(options.clock !== undefined && { clock: options.clock }),
    };
    this.#broker = new Broker({
      ...shared,
      listen: [inside, ...endpoints],
      showControl: false,
      authenticator: {
        ...(authenticator?.takesLogins === true && { takesLogins: true }),
        authenticate: (peer, signal) => {
          if (within.has(peer)) return PROXY;
          return authenticator === undefined ? PUBLIC : authenticator.authenticate(peer, signal);
        },
      },
      authorizer: { allows: (identity, action) => identity === PROXY || action === 'subscribe' },
      ...(codecs !== undefined && { codecs }),
      ...(logger !== undefined && { logger }),
    });
    this.#bridge = new Bridge({
      ...shared,
      url1: url,
      url2: inside,
      include: channels.map((pattern) => ({ pattern, from: 1 })),
      ...(options.auth !== undefined && { auth1: options.auth }),
      ...(codec !== undefined && { codec1: codec, codec2: codec }),
      ...(options.reconnect !== undefined && { reconnect: options.reconnect }),
    });
    this.#bridge.on('side', (side, connected, error) => {
      if (side === 1) this.#events.emit('connected', connected, error);
    });
    this.#bridge.on('retry', (_side, error) => this.#events.emit('retry', error));
    this.#bridge.on('error', (error) => {
      if ((this.#events.events.error ?? []).length === 0) reportUnheard(error);
      else this.#events.emit('error', error);
    });
  }

  /** Where public clients reach it, with the ports that were really taken; in the order of `listen`. */
  get addresses(): readonly string[] {
    return this.#broker.addresses.slice(1);
  }

  get status(): ProxyStatus {
    const { connections, delivered, refused, kept } = this.#broker.stats;
    const { side1, side2 } = this.#bridge.status;
    return {
      connected: side1.connected,
      clients: connections - (side2.connected ? 1 : 0),
      received: side2.forwarded,
      delivered,
      refused,
      kept,
    };
  }

  /** Listens to an event. Returns a function that stops listening. */
  on<E extends keyof ProxyEvents>(event: E, listener: ProxyEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * Opens the public endpoints, and no more: clients are served what is kept already. `start` does it as well. Idempotent.
   * @throws {SpokeError} what `Broker.open` throws; the proxy is closed then.
   */
  async open(): Promise<void> {
    try {
      await this.#broker.open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Opens the public endpoints, connects to the private broker, and resolves when its kept messages are here. Idempotent.
   * Attempts to connect are repeated for ever.
   * @throws {SpokeError} what `Broker.open` and `Bridge.start` throw; the proxy is closed then.
   */
  async start(options: WaitOptions = {}): Promise<void> {
    await this.open();
    try {
      await this.#bridge.start(options);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends both sides, the private one first. Idempotent; leaves no socket, timer or listener behind. */
  async close(): Promise<void> {
    await this.#bridge.close();
    await this.#broker.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A transport inside one proxy, which knows its connections again. */
class Within implements Transport {
  readonly schemes: readonly string[] = [WITHIN];
  readonly #memory: MemoryTransport;
  readonly #peers = new WeakSet<PeerInfo>();

  constructor(clock: Clock | undefined) {
    this.#memory = new MemoryTransport(clock === undefined ? {} : { clock });
  }

  has(peer: PeerInfo): boolean {
    return this.#peers.has(peer);
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    return this.#memory.connect(address, options);
  }

  async listen(address: Address, accept: (connection: Connection) => void, options: ListenOptions): Promise<Listener> {
    const known = (connection: Connection) => {
      this.#peers.add(connection.peer);
      accept(connection);
    };
    return this.#memory.listen(address, known, options);
  }
}
