// One connection of the broker: who it is, what it subscribed to, what it understands.

import type { CloseReason, Codec, Connection, Identity, Limits, MessageView, SpokeError } from '../contracts/index.js';
import type { ServerLinkHandler, ServerLinkOptions } from '../link/index.js';
import { ServerLink } from '../link/index.js';
import { Inflow } from './inflow.js';
import type { SlowConsumer } from './slow-consumer.js';

/** What the broker does with the events of its sessions. */
export interface SessionOwner {
  message(session: Session, view: MessageView, codec: Codec): void;
  refused(session: Session, error: SpokeError): void;
  drained(session: Session): void;
  heard(session: Session, bytes: number): void;
  ended(session: Session, reason: CloseReason): void;
}

// Answers of the authorizer that one connection remembers; past it they are asked for again.
const REMEMBERED_CHANNELS = 1024;

/** The broker's side of one connection. */
export class Session implements ServerLinkHandler {
  readonly link: ServerLink;
  /** Those of its endpoint. */
  readonly limits: Limits;
  /** What comes in on it. */
  readonly inflow: Inflow;
  /** Who it is; `undefined`: nobody asked, or it has to log in first. */
  identity: Identity | undefined;
  /** Whether it may do more than log in. */
  admitted = true;
  /** Canonical patterns. */
  readonly patterns = new Set<string>();
  /** Extensions it asked for and got. */
  features: ReadonlySet<string> = new Set();
  /** Set when it has said what becomes of messages that it is too slow for. */
  slow: SlowConsumer | undefined;
  /** Messages of its own that were refused. */
  refusals = 0;
  readonly #owner: SessionOwner;
  readonly #mayPublish = new Map<string, boolean>();

  constructor(connection: Connection, identity: Identity | undefined, owner: SessionOwner, options: ServerLinkOptions) {
    this.identity = identity;
    this.#owner = owner;
    this.limits = options.limits;
    this.inflow = new Inflow(options.limits.messagesPerSecond);
    this.link = new ServerLink(connection, this, options);
  }

  /** The other side as text, for logs. */
  get address(): string {
    return this.link.connection.peer.address;
  }

  /** Asks `decide` once per channel and remembers the answer. */
  mayPublish(channel: string, decide: (channel: string) => boolean): boolean {
    let answer = this.#mayPublish.get(channel);
    if (answer === undefined) {
      if (this.#mayPublish.size >= REMEMBERED_CHANNELS) this.#mayPublish.clear();
      answer = decide(channel);
      this.#mayPublish.set(channel, answer);
    }
    return answer;
  }

  /** It is someone else now, or may do something else. */
  forgetAnswers(): void {
    this.#mayPublish.clear();
  }

  message(view: MessageView, codec: Codec): void {
    this.#owner.message(this, view, codec);
  }

  refused(error: SpokeError): void {
    this.#owner.refused(this, error);
  }

  heard(bytes: number): void {
    this.#owner.heard(this, bytes);
  }

  drain(): void {
    this.#owner.drained(this);
  }

  close(reason: CloseReason): void {
    this.#owner.ended(this, reason);
  }
}
