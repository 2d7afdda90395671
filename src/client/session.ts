// One connection of a client: the greeting, what the broker offers, pings, the heartbeat.

import type { ClientCodec, Clock, CloseReason, Connection, Credentials, HeadView, Limits } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { LinkHandler, MakeOutbox, Sink } from '../link/index.js';
import * as control from '../link/control.js';
import { Link } from '../link/index.js';
import { randomId } from './random-id.js';
import { textOf } from './report.js';

/** What the client does with the events of its present connection. */
export interface SessionOwner<V extends HeadView = HeadView> {
  message(view: V): void;
  /** A control message, before anything is made of it. Returns whether that is all. */
  control?(view: V, link: Pick<Link, 'end'>): boolean;
  /** The broker has told which extensions it offers; all it said. After the login, if there is one. */
  welcomed?(welcome: unknown): void;
  /** The login was accepted, or the broker knows of none. May be called again. */
  ready?(): void;
  report(error: SpokeError): void;
  /** The broker refused to subscribe us to this pattern. */
  refused(pattern: string, error: SpokeError): void;
  /** Ping number `number` came back. */
  pinged(number: number): void;
  drain(): void;
  close(reason: CloseReason): void;
}

export interface SessionOptions<C extends ClientCodec = ClientCodec> {
  readonly url: string;
  readonly codec: C;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly sink: Sink;
  readonly makeOutbox: MakeOutbox;
  /** Of the client; its pings are told from others' by it. */
  readonly id: string;
  /** Milliseconds; 0 for none. */
  readonly heartbeat: number;
  /** Asked for beside those that every client asks for. */
  readonly features?: readonly control.Feature[];
  /** Said to brokers that ask for it. */
  readonly auth?: Login;
}

/** Credentials, or a function that is asked for them at each connection. */
export type Login = Credentials | (() => Credentials | Promise<Credentials>);

/** Bytes of a time, of an absent body as `null`, and of the blanks around head and body. */
const ADDED_BY_BROKER = 128;
const BEAT = 'beat';

/** The client's side of one connection. */
export class ClientSession<
  V extends HeadView = HeadView,
  C extends ClientCodec<V> = ClientCodec<V>,
> implements LinkHandler<V, C> {
  readonly link: Link<V, C>;
  readonly #owner: SessionOwner<V>;
  readonly #options: SessionOptions<C>;
  readonly #pings: string;
  readonly #nonce = randomId();
  #features: ReadonlySet<string> = new Set();
  #subscribedToPings = false;
  #welcomed = false;
  #cancelBeat: (() => void) | undefined;

  constructor(connection: Connection, owner: SessionOwner<V>, options: SessionOptions<C>) {
    const { codec, limits, id, makeOutbox } = options;
    this.#owner = owner;
    this.#options = options;
    this.#pings = `${control.PING_PREFIX}${id}/`;
    this.link = new Link(connection, this, { codec, limits: linkLimits(limits), makeOutbox });
  }

  /** Extensions that the broker offers; empty until it has welcomed us, and with a peer's broker. */
  get features(): ReadonlySet<string> {
    return this.#features;
  }

  /** Starts to read, and says hello. */
  start(): void {
    this.link.start();
    this.#greet();
    // What does not answer to that is asked by a ping: a broker of the peers has no logins. It would show one to everybody.
    if (this.#options.auth) this.ping(BEAT);
  }

  /** Sends a message of the client's own. */
  send(channel: string, body: unknown, bounce = true): void {
    const { codec, sink } = this.#options;
    const length = codec.encode(bounce ? { channel } : { channel, bounce }, body, sink);
    this.link.outbox.push(sink.block, sink.position - length, sink.position);
  }

  /** Sends a message that comes back, with any broker (docs/protocol.md#feature-ping). */
  ping(number: number | string): void {
    if (!this.#subscribedToPings && !this.#features.has('ping')) {
      this.#subscribedToPings = true;
      // Nobody asked for it, so a subscription of this client to `**` need not see it.
      this.send(control.SUBSCRIBE, `${this.#pings}*`, false);
    }
    this.send(`${this.#pings}${number}`, null);
  }

  message(view: V): void {
    const { channel } = view.head;
    if (
      channel.startsWith(control.CONTROL_PREFIX) &&
      (this.#owner.control?.(view, this.link) || this.#control(channel, view))
    )
      return;
    this.#owner.message(view);
  }

  refused(error: SpokeError): void {
    this.#owner.report(error);
  }

  drain(): void {
    this.#owner.drain();
  }

  close(reason: CloseReason): void {
    this.#cancelBeat?.();
    this.#owner.close(reason);
  }

  #asked(): readonly control.Feature[] {
    const { heartbeat, features = [], auth } = this.#options;
    const asked: control.Feature[] = ['errors', 'ping', ...features];
    if (heartbeat > 0) asked.push('heartbeat');
    if (auth) asked.push('auth');
    return asked;
  }

  #greet(auth?: Credentials): void {
    const { heartbeat } = this.#options;
    const hello: control.HelloBody = {
      nonce: this.#nonce,
      features: this.#asked(),
      ...(heartbeat > 0 && { heartbeat }),
      ...(auth && { auth }),
    };
    this.send(control.HELLO, hello, false);
  }

  // Says hello again, as somebody.
  async #login(auth: Login): Promise<void> {
    try {
      this.#greet(typeof auth === 'function' ? await auth() : auth);
    } catch (cause) {
      this.link.fail(new SpokeError('CONNECTION_LOST', `no login: ${textOf(cause)}`, { cause, retryable: true }));
    }
  }

  // Returns whether the message was for the client itself.
  #control(channel: string, view: V): boolean {
    const { codec, url } = this.#options;
    if (channel.startsWith(this.#pings)) {
      const ping = channel.slice(this.#pings.length);
      if (ping !== BEAT) this.#owner.pinged(Number(ping));
      else if (!this.#welcomed) this.#owner.ready?.();
      return true;
    }
    if (channel === control.WELCOME) {
      const body = codec.decodeBody(view);
      const welcome = control.readGreeting(body);
      // What was not asked for is not believed: with a peer's broker anyone can publish here.
      if (welcome?.nonce !== this.#nonce) return false;
      this.#features = new Set(this.#asked().filter((feature) => welcome.features.includes(feature)));
      this.#cancelBeat?.();
      if (this.#features.has('heartbeat')) this.#beat(false);
      const { auth } = this.#options;
      if (auth && !this.#welcomed && welcome.features.includes('auth')) void this.#login(auth);
      else {
        this.#owner.ready?.();
        this.#owner.welcomed?.(body);
      }
      this.#welcomed = true;
      return true;
    }
    if (channel !== control.ERROR) return false;
    const refusal = control.readError(codec.decodeBody(view));
    // Whoever is not let in is answered with its nonce.
    const turnedAway = refusal?.nonce === this.#nonce;
    if (!refusal || !(turnedAway || this.#features.has('errors'))) return false;
    const error = control.asError(refusal, url);
    if (turnedAway || error.code === 'UNAUTHENTICATED') this.link.fail(error);
    else if (refusal.pattern === undefined) this.#owner.report(error);
    else this.#owner.refused(refusal.pattern, error);
    return true;
  }

  // Every interval a ping, so that the broker hears of us; an interval in which nothing at all came back is the last.
  #beat(asked: boolean): void {
    const { heartbeat, clock, url } = this.#options;
    const heard = this.link.chunks;
    this.#cancelBeat = clock.setTimer(heartbeat, () => {
      if (asked && this.link.chunks === heard) {
        const text = `${url} has been silent for ${heartbeat} ms, though it was asked`;
        this.link.fail(new SpokeError('CONNECTION_LOST', text, { retryable: true }));
        return;
      }
      this.send(`${this.#pings}${BEAT}`, null);
      this.#beat(true);
    });
  }
}

// A broker adds a time and may lay the head out with blanks: what just fitted its way in must fit our way in as well.
function linkLimits(limits: Limits): Limits {
  const { headBytes, messageBytes } = limits;
  const grown = headBytes + ADDED_BY_BROKER;
  return { ...limits, headBytes: headBytes + grown, messageBytes: messageBytes + grown };
}
