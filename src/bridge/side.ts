// One side of a bridge: the connection to its broker, what that broker can, and what is wanted there.

import { Router } from '../channels/index.js';
import { Barrier } from '../client/barrier.js';
import { Connector } from '../client/connector.js';
import type { BackoffOptions } from '../client/index.js';
import { randomId } from '../client/index.js';
import type { Login } from '../client/session.js';
import { ClientSession } from '../client/session.js';
import type {
  Address,
  Clock,
  CloseReason,
  Codec,
  Connection,
  Limits,
  MessageView,
  Transport,
} from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { Turn } from '../link/index.js';
import * as bridgeControl from '../link/bridge-control.js';
import * as control from '../link/control.js';
import type { ClearedEntry } from '../link/kept-control.js';
import { readWanted } from '../link/group-control.js';
import { CLEARED, readCleared } from '../link/kept-control.js';
import { blockOutboxes } from '../link/index.js';

/** How long, in milliseconds, a side that is away counts as wanting what it wanted, and what it misses is kept for it. */
const HOLD = 30_000;
const HEARTBEAT = 15_000;
/** Milliseconds without a word after which a broker that has no heartbeat is asked whether it is still there. */
const SILENCE = 60_000;
// It cannot be asked what is wanted there, nor what is provided.
const EVERYTHING: bridgeControl.InterestBody = {
  set: [
    ['**', 0],
    ['**/-rpc/**/call', 0],
  ],
  unset: [],
};

export interface SideOptions {
  readonly number: 1 | 2;
  readonly address: Address;
  readonly transport: Transport;
  readonly codec: Codec;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly reconnect: BackoffOptions | undefined;
  readonly auth: Login | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What the bridge does with the events of its sides. */
export interface SideOwner {
  /** A connection stands, and it is known what the broker can. */
  greeted(side: Side): void;
  lost(side: Side, error: SpokeError): void;
  /** There is no connection; the next attempt follows. */
  retry(side: Side, error: SpokeError): void;
  /** There will be no further attempt. */
  failed(side: Side, error: SpokeError): void;
  /** What is wanted on this side has changed. */
  interest(side: Side, news: bridgeControl.InterestBody): void;
  message(side: Side, view: MessageView): void;
  /** These are kept no more on this side. */
  cleared(side: Side, entries: readonly ClearedEntry[]): void;
  /** It has been away for longer than anything is kept for it. */
  forgotten(side: Side): void;
  drained(side: Side): void;
  /** The broker refused something, or sent what cannot be read. */
  report(side: Side, error: SpokeError): void;
}

/** States: away -> greeting -> greeted, and away again whenever the connection is lost. */
export class Side {
  readonly number: 1 | 2;
  readonly codec: Codec;
  /** The broker's, another one after each of its starts; `undefined` when it has none. Of the last connection. */
  brokerId: string | undefined;
  /** Whether its broker knows nothing of bridges, or does not want this one. Of the last connection. */
  foreign = false;
  /** Whether the broker is known to be another one than that of the connection before. */
  changed = false;
  /** What is wanted there: finds a target for every channel that is. */
  readonly wanted = new Router<Side>();
  readonly #options: SideOptions;
  readonly #owner: SideOwner;
  readonly #connector: Connector;
  readonly #id = randomId();
  #session: ClientSession<MessageView, Codec> | undefined;
  #welcomedBy: string | undefined;
  #barrier: Barrier | undefined;
  #greeted = false;
  // What was said to be wanted, and what is being said since the greeting.
  #interest = new Map<string, number>();
  #fresh = new Map<string, number>();
  #forget: (() => void) | undefined;
  #cancelWatch: (() => void) | undefined;

  /** @throws {TypeError} for delays that make no sense. */
  constructor(options: SideOptions, owner: SideOwner) {
    const { address, transport, limits, clock, reconnect, signal } = options;
    this.number = options.number;
    this.codec = options.codec;
    this.#options = options;
    this.#owner = owner;
    this.#connector = new Connector(
      { address, transport, limits, clock, reconnect, signal },
      {
        serve: (connection) => this.#serve(connection),
        lost: (error) => owner.lost(this, error),
        retry: (error) => owner.retry(this, error),
        failed: (error) => owner.failed(this, error),
      },
    );
  }

  get url(): string {
    return this.#options.address.href;
  }

  /** Whether somebody there wants a message on this channel. */
  wants(channel: string): boolean {
    const { targets, groups } = this.wanted.find(channel);
    return targets.length + groups.length > 0;
  }

  get greeted(): boolean {
    return this.#greeted;
  }

  /** Whether it takes nothing more for now. */
  get blocked(): boolean {
    return this.#session?.link.outbox.blocked !== false;
  }

  /** What is wanted there, and how far away. */
  get interest(): ReadonlyMap<string, number> {
    return this.#interest;
  }

  /** Runs until it is told to end. Never rejects. */
  async run(): Promise<void> {
    await this.#connector.run();
    this.#forget?.();
  }

  /** Sends what is queued, then ends the connection. */
  end(): void {
    this.#session?.link.end();
  }

  /** Ends the connection now. */
  fail(error: SpokeError): void {
    this.#session?.link.fail(error);
  }

  /** Queues `block[start, end)`, which is never changed again. */
  push(block: Uint8Array, start: number, end: number): void {
    this.#session?.link.outbox.push(block, start, end);
  }

  pause(): void {
    this.#session?.link.connection.pause();
  }

  resume(): void {
    this.#session?.link.connection.resume();
  }

  /** Tells the broker what is wanted on the other side. */
  tell(news: Iterable<bridgeControl.InterestBody>): void {
    if (this.foreign) return;
    for (const body of news) this.send(bridgeControl.INTEREST, body);
  }

  /**
   * Asks for all that is kept, and from now on for all that is published, as far as the broker can tell one from the other.
   * @param far - the other side's broker.
   * @param mark - of copies for members of groups; `undefined`: that broker knows nothing of them.
   */
  mirror(patterns: readonly string[], far: string | undefined, mark: string | undefined): void {
    const mirror = { patterns, ...(far !== undefined && { far }), ...(mark !== undefined && { mark }) };
    if (!this.foreign) this.send(bridgeControl.MIRROR, mirror);
    else for (const pattern of patterns) this.send(control.SUBSCRIBE, pattern);
  }

  /** Sends a message that is not to come back. */
  send(channel: string, body: unknown): void {
    this.#session?.send(channel, body, false);
  }

  /**
   * Resolves when the broker has handled all that was sent, and what it sent in answer has come.
   * @throws {SpokeError} when the connection ends first.
   */
  async flush(): Promise<void> {
    await this.#barrier?.wait().passed;
  }

  async #serve(connection: Connection): Promise<CloseReason> {
    const { limits, clock, turn, codec, signal, auth } = this.#options;
    return new Promise((resolve) => {
      const barrier = new Barrier(clock, (number) => session.ping(number));
      const greet = () => this.#greet(session);
      let asked = false;
      const session = new ClientSession<MessageView, Codec>(
        connection,
        {
          message: (view) => this.#message(view),
          welcomed: (welcome) => (this.#welcomedBy = idOf(welcome)),
          report: (error) => this.#owner.report(this, error),
          refused: (_pattern, error) => this.#owner.report(this, error),
          pinged: (number) => barrier.returned(number),
          ready,
          drain: () => this.#owner.drained(this),
          close: (reason) => {
            this.#cancelWatch?.();
            this.#session = undefined;
            this.#barrier = undefined;
            this.#greeted = false;
            barrier.close(reason.error);
            if (!signal.aborted) this.#away();
            resolve(reason);
          },
        },
        {
          url: this.url,
          codec,
          limits,
          clock,
          sink: turn.sink,
          makeOutbox: blockOutboxes(turn),
          id: this.#id,
          heartbeat: HEARTBEAT,
          features: ['bridge'],
          ...(auth !== undefined && { auth }),
        },
      );
      this.#session = session;
      this.#barrier = barrier;
      this.#fresh = new Map();
      this.#welcomedBy = undefined;
      session.start();
      this.#cancelWatch = clock.setTimer(limits.connectTimeout, () => this.#silent(limits.connectTimeout));
      if (auth === undefined) ready();
      function ready(): void {
        if (asked) return;
        asked = true;
        // A broker that knows bridges has said by then what is wanted; one that does not has said nothing.
        barrier.wait().passed.then(greet, () => {});
      }
    });
  }

  #greet(session: ClientSession<MessageView, Codec>): void {
    if (this.#session !== session) return;
    this.#forget?.();
    this.#forget = undefined;
    this.#cancelWatch?.();
    if (!session.features.has('heartbeat')) this.#watch(session, false);
    const before = this.brokerId;
    this.brokerId = this.#welcomedBy;
    this.changed = before !== undefined && this.brokerId !== undefined && before !== this.brokerId;
    this.foreign = !session.features.has('bridge');
    this.#greeted = true;
    if (this.foreign) this.#fresh = new Map(EVERYTHING.set);
    const unset = [...this.#interest.keys()].filter((pattern) => !this.#fresh.has(pattern));
    const set = [...this.#fresh].filter(([pattern, distance]) => this.#interest.get(pattern) !== distance);
    this.#apply({ set, unset });
    this.#owner.greeted(this);
  }

  // One that is gone without a word is noticed only by asking.
  #watch(session: ClientSession<MessageView, Codec>, asked: boolean): void {
    const heard = session.link.chunks;
    this.#cancelWatch = this.#options.clock.setTimer(SILENCE, () => {
      const silent = session.link.chunks === heard;
      if (silent && asked) {
        this.#silent(SILENCE);
        return;
      }
      if (silent) this.flush().catch(() => {});
      this.#watch(session, silent);
    });
  }

  #silent(time: number): void {
    const text = `${this.url} has been silent for ${time} ms, though it was asked`;
    this.fail(new SpokeError('CONNECTION_LOST', text, { retryable: true }));
  }

  #message(view: MessageView): void {
    const { channel } = view.head;
    const said = channel === bridgeControl.INTEREST || channel === CLEARED;
    // On a broker of the peers anyone may have said it.
    if (said && this.#session?.features.has('bridge') === true) this.#heard(channel, this.codec.decodeBody(view));
    else this.#owner.message(this, view);
  }

  #heard(channel: string, body: unknown): void {
    if (channel === CLEARED) {
      this.#owner.cleared(this, readCleared(body)?.cleared ?? []);
      return;
    }
    const news = bridgeControl.readInterest(body);
    if (news === undefined) return;
    if (this.#greeted) this.#apply(news);
    else {
      for (const [pattern, distance] of news.set) this.#fresh.set(pattern, distance);
      for (const pattern of news.unset) this.#fresh.delete(pattern);
    }
  }

  #apply(news: bridgeControl.InterestBody): void {
    for (const [pattern, distance] of news.set) {
      this.#interest.set(pattern, distance);
      const wanted = readWanted(pattern);
      if (wanted.group === undefined) this.wanted.subscribe(pattern, this);
      else this.wanted.join(wanted.pattern, wanted.group, this);
    }
    for (const pattern of news.unset) {
      this.#interest.delete(pattern);
      const wanted = readWanted(pattern);
      if (wanted.group === undefined) this.wanted.unsubscribe(pattern, this);
      else this.wanted.leave(wanted.pattern, wanted.group, this);
    }
    if (news.set.length + news.unset.length > 0) this.#owner.interest(this, news);
  }

  #away(): void {
    this.#forget ??= this.#options.clock.setTimer(HOLD, () => {
      this.#forget = undefined;
      this.#apply({ set: [], unset: [...this.#interest.keys()] });
      this.#owner.forgotten(this);
    });
  }
}

function idOf(welcome: unknown): string | undefined {
  const id: unknown = typeof welcome === 'object' && welcome !== null && 'id' in welcome ? welcome.id : undefined;
  return typeof id === 'string' ? id : undefined;
}
