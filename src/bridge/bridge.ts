// Joins two brokers: docs/bridges.md.

import { Seen } from '../broker/index.js';
import type { Login, WaitOptions } from '../client/index.js';
import { randomId, waitFor } from '../client/index.js';
import { findCodec, JsonCodec, MsgpackCodec } from '../codecs/index.js';
import type { Clock, Codec, MessageView, Transport } from '../contracts/index.js';
import { SpokeError, withDefaults } from '../contracts/index.js';
import type * as bridgeControl from '../link/bridge-control.js';
import * as control from '../link/control.js';
import { systemClock, Turn } from '../link/index.js';
import type { Endpoint } from '../transports/index.js';
import { connectUrl, parseAddress, TransportRegistry, withoutLogin } from '../transports/index.js';
import { nodeTransports } from '../transports/node.js';
import { Crossing } from './crossing.js';
import { BridgeEmitter } from './emitter.js';
import { Filter } from './filter.js';
import type { BridgeEvents, BridgeOptions, BridgeState, BridgeStatus, SideStatus } from './options.js';
import { Renaming } from './prefixes.js';
import type { SideOwner } from './side.js';
import { Side } from './side.js';

const CLOSE_TIMEOUT = 1000;
const PROBE = '-control/probe/';

/**
 * Joins two brokers, so that they and their clients behave as one network: live and persistent messages, remote calls, each
 * message once and in order. Any number of bridges may join any number of brokers of ours, in any shape. What is not
 * promised where a broker of the peers is in between: `docs/bridges.md#brokers-of-the-peers`.
 *
 * @example
 * await using bridge = new Bridge({ url1: 'tcp://home:7181', url2: 'wss://office.example' });
 * await bridge.start();
 */
export class Bridge implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #turn: Turn;
  readonly #events = new BridgeEmitter();
  readonly #abort = new AbortController();
  readonly #side1: Side;
  readonly #side2: Side;
  readonly #to1: Crossing;
  readonly #to2: Crossing;
  readonly #refused = { 1: 0, 2: 0 };
  // Known to its two brokers alone.
  readonly #mark = randomId();
  #state: BridgeState = 'idle';
  #running: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;
  #ended: SpokeError | undefined;
  // Counts what both sides have to be brought to one state for: what is under way for an older number is out of date.
  #joins = 0;
  #probed: string | undefined;

  /**
   * Does not connect yet: `start` does.
   * @throws {TypeError} for a wrong option.
   * @throws {SpokeError} `ADDRESS_INVALID`, `UNKNOWN_SCHEME`, `UNKNOWN_CODEC`, `DUPLICATE`.
   */
  constructor(options: BridgeOptions) {
    const { url1, url2, codec1 = 'json', codec2 = 'json', map = [], transports = nodeTransports() } = options;
    const limits = withDefaults(options.limits);
    this.#clock = options.clock ?? systemClock;
    this.#turn = new Turn(this.#clock);
    const owner = this.#owner();
    const side = (number: 1 | 2, endpoint: Endpoint, codec: Codec | string, given: Login | undefined) => {
      const { address, transport, auth } = reach(endpoint, transports);
      return new Side(
        {
          number,
          address,
          transport,
          codec: typeof codec === 'string' ? findCodec(CODECS, codec) : codec,
          limits,
          clock: this.#clock,
          turn: this.#turn,
          reconnect: options.reconnect,
          auth: given ?? auth,
          signal: this.#abort.signal,
        },
        owner,
      );
    };
    this.#side1 = side(1, url1, codec1, options.auth1);
    this.#side2 = side(2, url2, codec2, options.auth2);
    const [seen, aliases, id] = [new Seen(), new Seen(), randomId()];
    let numbered = 0;
    const crossing = (from: Side, to: Side) =>
      new Crossing({
        from,
        to,
        filter: new Filter(options, from.number),
        renaming: new Renaming(map, from.number),
        seen,
        aliases,
        number: () => `${id}:${++numbered}`,
        clock: this.#clock,
        turn: this.#turn,
        limit: limits.offlineBytes,
        incomplete: () => void this.#join(),
        report: (error) => this.#events.error(error),
      });
    this.#to2 = crossing(this.#side1, this.#side2);
    this.#to1 = crossing(this.#side2, this.#side1);
  }

  get state(): BridgeState {
    return this.#state;
  }

  /** A snapshot. */
  get status(): BridgeStatus {
    return {
      state: this.#state,
      side1: this.#statusOf(this.#side1, this.#to1),
      side2: this.#statusOf(this.#side2, this.#to2),
    };
  }

  /** Listens to an event. Returns a function that stops listening. */
  on<E extends keyof BridgeEvents>(event: E, listener: BridgeEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * Begins to connect, and resolves when the bridge is `connected` for the first time. Idempotent. Attempts that fail are
   * repeated for ever.
   * @throws {SpokeError} `SAME_BROKER`; `ADDRESS_INVALID` and the like when trying again would not help; `TIMEOUT` and
   *   `ABORTED`: the bridge is closed then; `CLOSED`.
   */
  async start(options: WaitOptions = {}): Promise<void> {
    if (this.#state === 'connected') return;
    // No need to ask.
    if (this.#side1.url === this.#side2.url) this.#fail(sameBroker(this.#side1, this.#side2));
    if (this.#ended !== undefined) throw this.#ended;
    let stop = (): void => {};
    let lastFailure: SpokeError | undefined;
    const stopRetry = this.on('retry', (_side, error) => (lastFailure = error));
    const connected = new Promise<void>((resolve, reject) => {
      stop = this.on('state', (state) => {
        if (state === 'connected') resolve();
        if (state === 'closed') reject(this.#ended ?? closedError());
      });
    });
    this.#running ??= this.#run();
    const what = () => `no bridge between ${this.#side1.url} and ${this.#side2.url}`;
    try {
      await waitFor(connected, options, this.#clock, what, () => lastFailure);
    } catch (error) {
      if (error instanceof SpokeError && (error.code === 'TIMEOUT' || error.code === 'ABORTED')) await this.close();
      throw error;
    } finally {
      stop();
      stopRetry();
    }
  }

  /** Sends what was handed to the connections, then ends both. Idempotent; leaves no socket, timer or listener behind. */
  async close(): Promise<void> {
    this.#closed ??= this.#close(undefined);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    this.#enter('connecting', undefined);
    await Promise.all([this.#side1.run(), this.#side2.run()]);
  }

  #owner(): SideOwner {
    return {
      greeted: (side) => {
        // Events that an earlier broker may have had are not for this one.
        if (side.changed) this.#to(side).waiting.drop();
        this.#from(side).asked.restart();
        this.#to(side).asked.away(false);
        this.#events.side(side.number, true, undefined);
        void this.#join();
      },
      lost: (side, error) => {
        this.#joins++;
        this.#to(side).shut();
        this.#from(side).resume();
        const { asked } = this.#to(side);
        asked.away(true);
        this.#other(side).tell(asked.news());
        this.#events.side(side.number, false, error);
        this.#enter('connecting', error);
      },
      retry: (side, error) => this.#events.retry(side.number, error),
      failed: (_side, error) => this.#fail(error),
      interest: (side, news) => this.#wanted(side, news),
      message: (side, view) => this.#message(side, view),
      cleared: (side, entries) => this.#from(side).cleared(entries),
      forgotten: (side) => this.#to(side).waiting.drop(),
      drained: (side) => this.#to(side).flush(),
      report: (side, error) => {
        this.#refused[side.number]++;
        this.#events.error(error);
      },
    };
  }

  #message(side: Side, view: MessageView): void {
    this.#turn.relieve();
    if (this.#probed !== undefined && view.head.channel === this.#probed) {
      this.#fail(sameBroker(this.#side1, this.#side2));
    } else this.#from(side).message(view);
  }

  // What is wanted on this side is asked for on the other, at once: what was subscribed before a message was published is
  // known before that message arrives.
  #wanted(side: Side, { set, unset }: bridgeControl.InterestBody): void {
    const { asked } = this.#to(side);
    for (const [pattern, distance] of set) asked.want(pattern, distance);
    for (const pattern of unset) asked.want(pattern, undefined);
    const other = this.#other(side);
    if (this.#to(other).isOpen) other.tell(asked.news());
  }

  /** Brings both sides to one state, when both are there. */
  async #join(): Promise<void> {
    const join = ++this.#joins;
    const sides = [this.#side1, this.#side2];
    if (!sides.every(({ greeted }) => greeted)) return;
    try {
      await this.#requireTwo();
      if (join !== this.#joins) return;
      for (const side of sides) {
        side.tell(this.#from(side).asked.news());
        this.#from(side).sync();
        const other = this.#other(side);
        side.mirror(this.#from(side).patterns, other.brokerId, other.foreign ? undefined : this.#mark);
        this.#to(side).open();
      }
      // All that is kept on both sides has come, ...
      await Promise.all(sides.map((side) => side.flush()));
      for (const side of sides) this.#from(side).synced();
      // ... and has been passed on, ...
      await Promise.all(sides.map((side) => this.#to(side).untilEmpty()));
      // ... and has taken effect.
      await Promise.all(sides.map((side) => side.flush()));
      if (join === this.#joins) this.#enter('connected', undefined);
    } catch (error) {
      // Lost meanwhile: another attempt follows.
      if (error instanceof SpokeError && error.code === 'SAME_BROKER') this.#fail(error);
    }
  }

  /** @throws {SpokeError} `SAME_BROKER` */
  async #requireTwo(): Promise<void> {
    const [one, two] = [this.#side1, this.#side2];
    if (one.brokerId !== undefined || two.brokerId !== undefined) {
      if (one.brokerId === two.brokerId) throw sameBroker(one, two);
      return;
    }
    // Neither has a name: what is sent to one must not come from the other.
    const probe = `${PROBE}${randomId()}`;
    two.send(control.SUBSCRIBE, probe);
    await two.flush();
    this.#probed = probe;
    one.send(probe, null);
    await one.flush();
    await two.flush();
    this.#probed = undefined;
    two.send(control.UNSUBSCRIBE, probe);
  }

  #statusOf(side: Side, crossing: Crossing): SideStatus {
    const { counters, waiting } = crossing;
    return {
      url: side.url,
      connected: side.greeted,
      bridging: side.brokerId === undefined && !side.foreign ? undefined : !side.foreign,
      forwarded: counters.forwarded,
      dropped: waiting.dropped,
      repeated: counters.repeated,
      refused: counters.failed + this.#refused[side.number],
      waiting: { messages: waiting.size, bytes: waiting.bytes },
      lag: crossing.lag,
    };
  }

  #fail(error: SpokeError): void {
    this.#closed ??= this.#close(error);
  }

  async #close(error: SpokeError | undefined): Promise<void> {
    const reason = error ?? closedError();
    this.#ended = reason;
    this.#joins++;
    this.#abort.abort(reason);
    const sides = [this.#side1, this.#side2];
    for (const side of sides) {
      this.#to(side).shut();
      side.end();
    }
    this.#enter('closed', error);
    const cancel = this.#clock.setTimer(CLOSE_TIMEOUT, () => {
      for (const side of sides) side.fail(closedError());
    });
    await this.#running;
    cancel();
  }

  #enter(state: BridgeState, error: SpokeError | undefined): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.#events.state(state, error);
  }

  #other(side: Side): Side {
    return side === this.#side1 ? this.#side2 : this.#side1;
  }

  #from(side: Side): Crossing {
    return side === this.#side1 ? this.#to2 : this.#to1;
  }

  #to(side: Side): Crossing {
    return side === this.#side1 ? this.#to1 : this.#to2;
  }
}

const CODECS: readonly Codec[] = [new JsonCodec(), new MsgpackCodec()];

function reach(endpoint: Endpoint, transports: readonly Transport[]) {
  const { url, auth } = typeof endpoint === 'string' ? withoutLogin(endpoint) : { url: endpoint };
  const address = parseAddress(connectUrl(url, {}));
  return { address, transport: new TransportRegistry(transports).find(address), auth };
}

function sameBroker(one: Side, two: Side): SpokeError {
  return new SpokeError('SAME_BROKER', `${one.url} and ${two.url} are the same broker: there is nothing to bridge`);
}

function closedError(): SpokeError {
  return new SpokeError('CLOSED', 'the bridge was closed');
}
