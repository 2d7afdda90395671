// The path of a message through the broker: checked, stamped, kept, matched, written once, queued for each receiver.

import { canonical, Router, tokens } from '../channels/index.js';
import type { Authorizer, CloseReason, Codec, Limits, Logger, MessageView, StoredMessage } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { Turn } from '../link/index.js';
import { control } from '../link/index.js';
import { Heartbeats } from './heartbeats.js';
import { Replays } from './replay.js';
import type { Retained } from './retained.js';
import type { Session, SessionOwner } from './session.js';
import type { Transcoder } from './transcoder.js';

export interface ExchangeParts {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly turn: Turn;
  readonly retained: Retained;
  readonly transcoder: Transcoder;
  readonly authorizer: Authorizer | undefined;
  /** Name and version, told to clients that ask. */
  readonly server: string;
  readonly ended: (session: Session, reason: CloseReason) => void;
}

interface Range {
  readonly block: Uint8Array;
  readonly start: number;
  /** 0: there is nothing to send. */
  readonly end: number;
}

const DASH = 0x2d;
// A bigger ping does not wait for replays: what waits is held in memory.
const MAX_HELD_PING = 1024;
const FEATURES: readonly control.Feature[] = ['errors', 'ping', 'heartbeat'];
/** What a client subscribes to for its pings with a broker that does not know them. */
const OWN_PINGS = /^-control\/ping\/[^/*]+\/\*$/;

/** Everything that happens to messages between the sessions of one broker. */
export class Exchange implements SessionOwner {
  readonly router = new Router<Session>();
  /** Counted since the start. */
  readonly counters = { received: 0, delivered: 0, refused: 0, discarded: 0 };
  readonly #parts: ExchangeParts;
  readonly #turn: Turn;
  readonly #replays: Replays;
  readonly #heartbeats: Heartbeats;
  readonly #futureSeconds: number;
  readonly #foreign = new Map<Codec, Range>();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#turn = parts.turn;
    this.#heartbeats = new Heartbeats(parts.turn.clock);
    this.#futureSeconds = parts.limits.clockSkew / 1000;
    this.#replays = new Replays(parts.retained.store, parts.turn, (session, message) => this.#replay(session, message));
  }

  // Hot: called once per message. Nothing is allocated on the way of an ordinary one.
  message(session: Session, view: MessageView, codec: Codec): void {
    this.counters.received++;
    const { head, time } = view;
    const { channel } = head;
    if (time !== undefined && time > this.#turn.seconds + this.#futureSeconds) {
      this.#refuse(session, futureTime(channel, time, this.#parts.limits.clockSkew), channel);
      return;
    }
    if (this.#parts.authorizer !== undefined && !this.#mayPublish(session, channel, this.#parts.authorizer)) {
      this.#refuse(session, forbidden(session, 'publish', channel), channel);
      return;
    }
    if (channel.charCodeAt(0) === DASH && channel.startsWith(control.CONTROL_PREFIX)) {
      if (!this.#control(session, view, codec)) return;
    }
    if (head.persist) {
      this.#persist(session, view, codec);
      return;
    }
    const targets = this.router.route(channel);
    if (targets.length > 0) this.#deliver(session, targets, view, time ?? this.#turn.seconds, codec);
  }

  refused(session: Session, error: SpokeError): void {
    this.#refuse(session, error, undefined);
  }

  drained(session: Session): void {
    this.#replays.resume(session);
  }

  ended(session: Session, reason: CloseReason): void {
    for (const pattern of session.patterns) this.router.unsubscribe(pattern, session);
    session.patterns.clear();
    this.#replays.forget(session);
    this.#heartbeats.forget(session);
    this.#parts.ended(session, reason);
  }

  /**
   * @param written - the frame in the codec of the message, when the caller wrote it already.
   */
  #deliver(
    from: Session,
    targets: readonly Session[],
    view: MessageView,
    time: number,
    codec: Codec,
    written?: Uint8Array,
  ): void {
    const { sink } = this.#turn;
    let block = written;
    let start = 0;
    let end = written === undefined ? 0 : written.length;
    for (const target of targets) {
      if (target === from && !view.head.bounce) continue;
      if (target.link.codec !== codec) {
        this.#deliverForeign(from, target, view, time, codec);
        continue;
      }
      if (block === undefined) {
        // Written once for the whole fan-out; every receiver gets the same range.
        const length = codec.forward(view, time, sink);
        block = sink.block;
        end = sink.position;
        start = end - length;
      }
      target.link.outbox.push(block, start, end);
      this.counters.delivered++;
    }
    if (this.#foreign.size > 0) this.#foreign.clear();
  }

  // Encoded once per foreign codec and message: `#foreign` holds what the current message already has.
  #deliverForeign(from: Session, target: Session, view: MessageView, time: number, codec: Codec): void {
    const to = target.link.codec;
    if (to === undefined) return;
    let range = this.#foreign.get(to);
    if (range === undefined) {
      range = this.#encodeForeign(from, view, time, codec, to);
      this.#foreign.set(to, range);
    }
    if (range.end === 0) return;
    target.link.outbox.push(range.block, range.start, range.end);
    this.counters.delivered++;
  }

  #encodeForeign(from: Session, view: MessageView, time: number, codec: Codec, to: Codec): Range {
    const { sink } = this.#turn;
    try {
      const length = this.#parts.transcoder.live(view, time, codec, to, sink);
      return { block: sink.block, start: sink.position - length, end: sink.position };
    } catch (error) {
      this.#refuse(from, asSpokeError(error), view.head.channel);
      return { block: sink.block, start: 0, end: 0 };
    }
  }

  #persist(session: Session, view: MessageView, codec: Codec): void {
    const { channel } = view.head;
    const { retained } = this.#parts;
    const time = retained.timeFor(channel, view.time, this.#turn.seconds);
    if (time === undefined) {
      this.counters.discarded++;
      return;
    }
    const { sink } = this.#turn;
    const length = codec.forward(view, time, sink);
    const frame = sink.copyLast(length);
    try {
      const stored = retained.keep({ channel, time, codec: codec.name, frame });
      stored?.catch((error: unknown) => this.#refuse(session, asSpokeError(error), channel));
    } catch (error) {
      this.#refuse(session, asSpokeError(error), channel);
      return;
    }
    this.#deliver(session, this.router.route(channel), view, time, codec, frame);
  }

  // Returns whether the message goes on to be routed like any other.
  #control(session: Session, view: MessageView, codec: Codec): boolean {
    const { channel } = view.head;
    if (channel === control.HELLO) {
      this.#hello(session, codec.decodeBody(view));
      return false;
    }
    // Only a broker says these; a client must not be able to speak for it.
    if (channel === control.WELCOME || channel === control.ERROR) {
      this.#refuse(session, new SpokeError('FORBIDDEN', `${channel} is for brokers only`), channel);
      return false;
    }
    if (channel.startsWith(control.PING_PREFIX) && session.features.has('ping')) {
      this.#pong(session, view, codec);
      return false;
    }
    if (channel !== control.SUBSCRIBE && channel !== control.UNSUBSCRIBE) return true;
    const body = codec.decodeBody(view);
    if (typeof body !== 'string') {
      this.#refuse(session, new SpokeError('MALFORMED', `${channel} takes a pattern, a string, as its body`), channel);
      return false;
    }
    const pattern = canonical(body);
    // A client that pings before it was welcomed makes sure of any broker. Here it need not, and a monitor on `**` is
    // not to see it.
    if (session.features.has('ping') && OWN_PINGS.test(pattern)) return false;
    if (channel === control.UNSUBSCRIBE) {
      if (session.patterns.delete(pattern)) this.router.unsubscribe(pattern, session);
      return true;
    }
    const error = this.#checkSubscription(session, pattern);
    if (error !== undefined) {
      this.#refuse(session, error, channel, pattern);
      return false;
    }
    session.patterns.add(pattern);
    this.router.subscribe(pattern, session);
    this.#replays.start(session, pattern);
    return true;
  }

  // Back to the sender, after everything sent before has taken effect: a replay that is still running included.
  #pong(session: Session, view: MessageView, codec: Codec): void {
    const { sink } = this.#turn;
    if (!view.head.bounce) return;
    const { outbox } = session.link;
    const length = codec.forward(view, this.#turn.seconds, sink);
    const end = sink.position;
    if (length <= MAX_HELD_PING) {
      const frame = sink.copyLast(length);
      if (this.#replays.afterwards(session, () => outbox.push(frame, 0, length))) return;
    }
    outbox.push(sink.block, end - length, end);
  }

  #checkSubscription(session: Session, pattern: string): SpokeError | undefined {
    const { limits, authorizer } = this.#parts;
    const parts = tokens(pattern);
    const over = (what: string, limit: number, name: string) =>
      new SpokeError('LIMIT_EXCEEDED', `subscription refused: ${what} past ${limit} (limits.${name})`, {
        details: { limit },
      });
    if (pattern.length > limits.channelLength) return over('its length is', limits.channelLength, 'channelLength');
    if (parts.length > limits.channelDepth) return over('its tokens are', limits.channelDepth, 'channelDepth');
    if (parts.filter((token) => token === '**').length > limits.globstars) {
      return over('its ** are', limits.globstars, 'globstars');
    }
    if (!session.patterns.has(pattern) && session.patterns.size >= limits.subscriptions) {
      return over('subscriptions of this connection are', limits.subscriptions, 'subscriptions');
    }
    if (authorizer !== undefined && !this.#allows(session, 'subscribe', pattern, authorizer)) {
      return forbidden(session, 'subscribe to', pattern);
    }
    return undefined;
  }

  #hello(session: Session, body: unknown): void {
    const hello = control.readGreeting(body);
    if (hello === undefined) {
      this.#refuse(session, new SpokeError('MALFORMED', `${control.HELLO} takes {nonce, features}`), control.HELLO);
      return;
    }
    const features = FEATURES.filter((feature) => hello.features.includes(feature));
    session.features = new Set(features);
    this.#heartbeats.forget(session);
    if (session.features.has('heartbeat') && hello.heartbeat !== undefined) {
      this.#heartbeats.watch(session, hello.heartbeat);
    }
    const welcome: control.WelcomeBody = { nonce: hello.nonce, features, server: this.#parts.server };
    this.#tell(session, control.WELCOME, welcome);
  }

  #replay(session: Session, message: StoredMessage): void {
    const { codec } = session.link;
    const { sink } = this.#turn;
    if (codec === undefined) return;
    let length = message.frame.length;
    if (codec.name === message.codec) {
      // Copied next to its neighbours, so that a whole portion leaves as one range.
      const at = sink.reserve(length);
      sink.block.set(message.frame, at);
      sink.commit(length);
    } else {
      try {
        length = this.#parts.transcoder.stored(message, codec, sink);
      } catch (error) {
        this.#parts.logger.warn({ err: error, channel: message.channel, to: session.address }, 'kept message not sent');
        return;
      }
    }
    session.link.outbox.push(sink.block, sink.position - length, sink.position);
    this.counters.delivered++;
  }

  /** A message of the broker's own, to one connection. */
  #tell(session: Session, channel: string, body: unknown): void {
    const { codec } = session.link;
    if (codec === undefined || session.link.ended) return;
    const { sink } = this.#turn;
    const length = codec.encode({ channel, time: this.#turn.seconds }, body, sink);
    session.link.outbox.push(sink.block, sink.position - length, sink.position);
  }

  #refuse(session: Session, error: SpokeError, channel: string | undefined, pattern?: string): void {
    this.counters.refused++;
    session.refusals++;
    // One line per connection, not per message: whoever floods the broker must not flood its log.
    if (session.refusals === 1) {
      this.#parts.logger.warn({ code: error.code, from: session.address, channel }, `refused: ${error.message}`);
    }
    if (!session.features.has('errors')) return;
    const body: control.ErrorBody = {
      code: error.code,
      message: error.message,
      ...(channel !== undefined && { channel }),
      ...(pattern !== undefined && { pattern }),
    };
    this.#tell(session, control.ERROR, body);
  }

  #mayPublish(session: Session, channel: string, authorizer: Authorizer): boolean {
    return (
      isRequest(session, channel) ||
      session.mayPublish(channel, (asked) => this.#allows(session, 'publish', asked, authorizer))
    );
  }

  #allows(session: Session, action: 'publish' | 'subscribe', target: string, authorizer: Authorizer): boolean {
    try {
      return authorizer.allows(session.identity ?? { name: 'anonymous' }, action, target);
    } catch (error) {
      this.#parts.logger.error({ err: error, action, target }, 'the authorizer failed; refused');
      return false;
    }
  }
}

// Requests to the broker are permitted by what they ask for, not by their channel. Other control messages carry data.
function isRequest(session: Session, channel: string): boolean {
  if (!channel.startsWith(control.CONTROL_PREFIX)) return false;
  if (channel === control.SUBSCRIBE || channel === control.UNSUBSCRIBE || channel === control.HELLO) return true;
  return channel.startsWith(control.PING_PREFIX) && session.features.has('ping');
}

function forbidden(session: Session, action: string, target: string): SpokeError {
  const who = session.identity?.name ?? 'anonymous';
  return new SpokeError('FORBIDDEN', `${who} may not ${action} ${target}`);
}

function futureTime(channel: string, time: number, skew: number): SpokeError {
  return new SpokeError(
    'TIME_INVALID',
    `${channel}: time ${time} lies more than ${skew} ms in the future (limits.clockSkew); set the publisher's clock`,
  );
}

function asSpokeError(error: unknown): SpokeError {
  if (error instanceof SpokeError) return error;
  return new SpokeError('STORE_FAILED', error instanceof Error ? error.message : String(error), { cause: error });
}
