// One broker among many on a backplane (docs/decisions/023-backplane.md): what its clients publish goes to the others, what they
// want comes from them, and all keep the same.

import type {
  Backplane,
  BackplaneHandler,
  BackplaneStats,
  Codec,
  MessageStore,
  MessageView,
  StoredMessage,
} from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { CONTROL_PREFIX } from '../../link/control.js';
import type { Desk } from '../desk.js';
import type { Tombstones } from '../tombstones.js';
import type { Transcoder } from '../transcoder.js';
import type { Envelope } from './envelope.js';
import { givenName, Kind, readEnvelope, writeEnvelope } from './envelope.js';
import { Mirror } from './mirror.js';
import { Neighbours } from './neighbours.js';
import { Order } from './order.js';
import type { Peer } from './peer.js';
import type { CallListener } from './peer-calls.js';
import { Recent } from './recent.js';
import { Recording } from './recording.js';
import type { Given } from './told.js';
import { ANSWER } from './told.js';
import { Wants } from './wants.js';

/** A snapshot of one broker's part in a cluster. Counts are since the start. */
export interface ClusterStats extends BackplaneStats {
  /** Patterns that the engine was asked for. */
  readonly patterns: number;
  /** Messages that came and that nobody here wanted: the engine's patterns are wider. */
  readonly wasted: number;
  /** Messages that came again, by patterns that overlap, or too late to be in order. */
  readonly repeated: number;
  /** Persistent messages whose newer version had to be written to the engine again. */
  readonly repaired: number;
  /** Persistent messages of which the engine has no, or an older, version: what is not safe yet. */
  readonly unsaved: number;
  /** Messages that history was to keep, and does not as far as is known. */
  readonly unrecorded: number;
  /** Other brokers that are there. */
  readonly brokers: number;
  /** Messages that were sent to a member of a group at another broker. */
  readonly given: number;
}

/** What became of a persistent message that came. */
export type Arrival = 'applied' | 'same' | 'older' | 'expired' | 'failed';

export interface ClusteringParts {
  readonly plane: Backplane;
  readonly desk: Desk;
  readonly transcoder: Transcoder;
  readonly store: MessageStore;
  readonly tombstones: Tombstones;
  /** The broker's own. */
  readonly id: string;
  readonly random: () => number;
  /**
   * Delivers a message of another broker to the sessions here.
   * @param id - what it is called between brokers.
   * @param from - `undefined`: there are too many brokers.
   * @returns how many wanted it; `undefined`: it was here already.
   */
  readonly deliver: (
    view: MessageView,
    time: number,
    codec: Codec,
    frame: Uint8Array,
    id: string,
    from: Peer | undefined,
  ) => number | undefined;
  /**
   * Keeps a persistent message of another broker if it is newer, and delivers it then. The frame is its receiver's own.
   * @param given - the id of its envelope, when it is one of this broker's, and comes back from the engine.
   */
  readonly keep: (
    view: MessageView,
    time: number,
    codec: Codec,
    frame: Uint8Array,
    id: string,
    given: string | undefined,
  ) => Arrival;
  /** Gives a message to a member of a group here, by the choice of another broker. @param caller - `undefined`: this broker. */
  readonly take: (given: Given, envelope: Envelope, view: MessageView, codec: Codec, caller: Peer | undefined) => void;
  /** Told what clients of other brokers are members of and provide, each broker's by itself. */
  readonly interest: (wanted: string, there: boolean) => void;
  /** Is told of calls that cross, and of brokers that are there no more. */
  readonly calls: () => CallListener & { gone(peer: Peer): void };
  /** Clears a channel up to a time, for this broker alone. @returns whether anything newer is kept. */
  readonly clear: (channel: string, time: number) => boolean;
}

/** Of client's numbers; past it a message may come twice. */
const RECENT = 65_536;
// Milliseconds that a pong waits for the engine.
const BARRIER_TIMEOUT = 2000;
// Of the time by which a message that was to expire should have been forgotten by the broker where it was published, in seconds.
const LEFT_OVER = 10;
/** What callers subscribe to: the broker of the provider sends the answer to that of the caller, who else would want everything. */
const ANSWERS = /^\*\*\/-rpc\/-[^/*]+\/\*\/(?:result|part)$/;

export class Clustering implements BackplaneHandler {
  /** What it flushes goes to the engine. */
  readonly released = true;
  readonly #parts: ClusteringParts;
  readonly #plane: Backplane;
  readonly #wants: Wants;
  readonly #mirror: Mirror;
  /** The other brokers. */
  readonly neighbours: Neighbours;
  readonly #order = new Order();
  readonly #recent = new Recent(RECENT);
  readonly #recording: Recording;
  /** Of what was forwarded last: resolves when history has it; `undefined`: none keeps it. */
  recorded: Promise<void> | undefined;
  readonly #counters = { wasted: 0, repeated: 0, malformed: 0 };
  readonly #timesAgain = new Map<string, number>();
  #sequence = 0;
  #asked = 0;
  #confirmed = 0;
  #flushing = false;
  #unsaved = false;

  constructor(parts: ClusteringParts) {
    this.#parts = parts;
    this.#plane = parts.plane;
    this.#wants = new Wants(parts.plane);
    const { plane, store, tombstones, random, id, desk } = parts;
    const { logger } = desk;
    this.#recording = new Recording(plane, logger, id);
    const next = () => ++this.#sequence;
    const { clock } = desk.turn;
    this.#mirror = new Mirror({ plane, store, tombstones, clock, logger, random, id, next });
    this.neighbours = new Neighbours({
      plane,
      desk,
      id,
      next,
      recent: this.#recent,
      before: () => this.#apply(),
      taken: (given, envelope, caller) => {
        this.#open(envelope.codec, envelope.frame, (view, codec) => parts.take(given, envelope, view, codec, caller));
      },
      interest: parts.interest,
      calls: parts.calls,
    });
  }

  get stats(): ClusterStats {
    const { wasted, repeated } = this.#counters;
    return {
      ...this.#plane.stats,
      patterns: this.#wants.size,
      wasted,
      repeated,
      repaired: this.#mirror.repaired,
      unsaved: this.#mirror.stale,
      unrecorded: this.#recording.unrecorded,
      brokers: this.neighbours.size,
      given: this.neighbours.members.given,
    };
  }

  async open(signal: AbortSignal): Promise<void> {
    const { desk, id } = this.#parts;
    await this.#plane.open({
      id,
      handler: this,
      logger: desk.logger,
      clock: desk.turn.clock,
      pendingBytes: desk.limits.outboundBytes,
      signal,
    });
    await this.neighbours.open(signal);
  }

  /** Takes nothing more from others. */
  withdraw(): void {
    this.neighbours.withdraw();
  }

  async close(): Promise<void> {
    this.#mirror.close();
    this.neighbours.close();
    await this.#plane.close();
  }

  /** A client or a bridge wants messages. @param wanted - a pattern, or one for a group. */
  subscribed(wanted: string, bridge: boolean): void {
    if (bridge || !ANSWERS.test(wanted)) this.#wants.add(wanted);
    this.neighbours.subscribed(wanted, bridge);
    this.#schedule();
  }

  unsubscribed(wanted: string, bridge: boolean): void {
    if (bridge || !ANSWERS.test(wanted)) this.#wants.remove(wanted);
    this.neighbours.unsubscribed(wanted, bridge);
    this.#schedule();
  }

  /** End of the turn. */
  flush(): void {
    this.#flushing = false;
    this.#apply();
    this.neighbours.apply();
  }

  /**
   * Calls back when the engine has heard of everything that was subscribed to before, and other brokers of what is provided and wanted by
   * groups.
   * @returns `false`: they have, or the engine is away; it will not call back.
   */
  afterwards(callback: () => void): boolean {
    if (!this.neighbours.reachable) return false;
    this.#apply();
    this.neighbours.apply();
    const asked = this.#asked;
    const settled = this.neighbours.settled();
    if (asked === this.#confirmed && settled === undefined) return false;
    let called = false;
    const done = (): void => {
      if (called) return;
      called = true;
      cancel();
      callback();
    };
    const cancel = this.#parts.desk.turn.clock.setTimer(BARRIER_TIMEOUT, done);
    void this.#confirm(asked, settled, done);
    return true;
  }

  /** Why a message cannot be published. */
  refuses(view: MessageView): SpokeError | undefined {
    return this.#plane.refuses(view.head.channel, view.bodyEnd - view.bodyStart + this.#parts.desk.limits.headBytes);
  }

  /**
   * Publishes a live message of a client.
   * @param id - what clients or bridges call it, as in an `Envelope`.
   * @param asker - waits for it, as the answer to a call.
   * @returns its name, by which other brokers know it; `undefined`: it stays here.
   */
  forward(view: MessageView, time: number, codec: Codec, id: string, asker: Peer | undefined): string | undefined {
    const { channel } = view.head;
    this.recorded = undefined;
    if (channel.startsWith(CONTROL_PREFIX)) return undefined;
    // A call must not be answered before its caller's interest in the answer is known.
    if (this.#wants.changed) this.#apply();
    const { sink } = this.#parts.desk.turn;
    const length = codec.forward(view, time, sink);
    const range = { block: sink.block, start: sink.position - length, end: sink.position };
    const sequence = ++this.#sequence;
    const origin = this.#parts.id;
    const envelope = { kind: Kind.Live, origin, sequence, time, codec: codec.name, id };
    if (asker === undefined) {
      const data = writeEnvelope(envelope, range);
      this.recorded = this.#recording.live(channel, data, sequence, id);
      if (this.recorded === undefined) this.#plane.publish(channel, data);
    } else {
      // Who gets it both ways drops the second by its number.
      const data = writeEnvelope(envelope, range, ANSWER);
      this.#plane.tell(data, asker.id);
      this.#plane.publish(channel, data.subarray(ANSWER.length));
    }
    return nameOf(origin, sequence, id);
  }

  /**
   * Publishes a persistent message, which this broker has kept already, unless it comes `again`.
   * @param id - as of `forward`.
   * @returns its name, and a promise: the engine has stored it.
   */
  keep(message: StoredMessage, id: string, again = false): { readonly name: string; readonly stored: Promise<void> } {
    const { channel, time, codec, frame } = message;
    if (this.#wants.changed) this.#apply();
    const sequence = ++this.#sequence;
    const origin = this.#parts.id;
    const data = writeEnvelope(
      { kind: again ? Kind.Again : Kind.Kept, origin, sequence, time, codec, id },
      { block: frame, start: 0, end: frame.length },
    );
    // A client's number is the same wherever it is published again.
    const once = id.startsWith(';') ? givenName(id) : `${origin}:${sequence}`;
    const kept = this.#saved(channel, this.#plane.keep(channel, data, { id: once }));
    const recorded = this.#recording.kept(channel, data, sequence, id);
    const stored = recorded === undefined ? kept : Promise.all([kept, recorded]).then(() => {});
    return { name: nameOf(origin, sequence, id), stored };
  }

  /** A time for a message that comes again: later than that of the one before on its channel, which is not kept here yet. */
  timeAgain(channel: string, time: number | undefined): number | undefined {
    if (time === undefined) return undefined;
    const later = Math.max(time, (this.#timesAgain.get(channel) ?? 0) + 1e-6);
    this.#timesAgain.delete(channel);
    this.#timesAgain.set(channel, later);
    if (this.#timesAgain.size > RECENT) this.#timesAgain.clear();
    return later;
  }

  /** A channel was cleared here. @returns resolves when the engine knows. */
  cleared(channel: string, time: number): Promise<void> | undefined {
    if (channel.startsWith(CONTROL_PREFIX)) return undefined;
    const sequence = ++this.#sequence;
    const origin = this.#parts.id;
    const data = writeEnvelope({ kind: Kind.Cleared, origin, sequence, time, codec: '', id: '' });
    return this.#saved(channel, this.#plane.keep(channel, data, { id: `${origin}:${sequence}` }));
  }

  /** A persistent message of this broker's has expired: nobody need keep it. */
  expired(channel: string): void {
    this.#mirror.forget(channel);
  }

  /** Whether a message that a client numbered came from another broker already. */
  knows(id: string): boolean {
    return this.#recent.has(id);
  }

  message(data: Uint8Array): void {
    const envelope = this.#read(data);
    // What is cleared is told in `kept`, with its channel.
    if (envelope === undefined || envelope.kind === Kind.Cleared || envelope.kind === Kind.Again) return;
    if (!this.#order.admits(envelope.origin, envelope.sequence)) {
      this.#counters.repeated++;
      return;
    }
    if (envelope.kind === Kind.Kept) this.#keep(envelope, undefined);
    else if (envelope.id !== '' && !this.#recent.add(givenName(envelope.id))) this.#counters.repeated++;
    else this.#deliver(envelope);
  }

  kept(channel: string, data: Uint8Array, revision: number): void {
    const envelope = this.#read(data);
    if (envelope === undefined) return;
    if (envelope.kind === Kind.Cleared) {
      const agrees = this.#parts.clear(channel, envelope.time);
      const { clearedAge } = this.#parts.desk.limits;
      const outlived = envelope.time * 1000 < this.#parts.desk.turn.clock.now() - clearedAge;
      this.#mirror.heard(channel, revision, agrees);
      if (agrees && outlived) this.#mirror.forget(channel);
      return;
    }
    this.#keep(envelope, { channel, revision });
  }

  told(data: Uint8Array): void {
    this.#parts.desk.turn.begin();
    const answer = this.neighbours.heard(data);
    if (answer !== undefined) this.message(answer);
  }

  unheard(id: string): void {
    this.neighbours.lost(id);
  }

  reachable(reachable: boolean): void {
    const { logger } = this.#parts.desk;
    this.neighbours.reached(reachable);
    if (reachable) {
      logger.info({ engine: this.#plane.stats.engine }, 'the backplane is reachable');
      this.#mirror.reachable();
    } else logger.warn({}, 'the backplane is out of reach: other brokers are not heard');
  }

  emptied(): void {
    this.#parts.desk.logger.error({}, 'the backplane has lost what it kept: this broker writes its copy again');
    this.#mirror.emptied();
  }

  #apply(): void {
    if (this.#wants.changed && this.#wants.apply()) this.#asked++;
  }

  async #confirm(asked: number, settled: Promise<void> | undefined, done: () => void): Promise<void> {
    if (asked !== this.#confirmed) {
      await this.#plane.flush();
      this.#confirmed = Math.max(this.#confirmed, asked);
    }
    await settled;
    done();
  }

  #schedule(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#parts.desk.turn.add(this);
  }

  #read(data: Uint8Array): Envelope | undefined {
    const envelope = readEnvelope(data);
    if (envelope === undefined && this.#counters.malformed++ === 0) {
      this.#parts.desk.logger.error({}, 'something came by the backplane that no broker of this version has written');
    }
    return envelope;
  }

  #deliver({ origin, sequence, time, codec, id, frame }: Envelope): void {
    this.#open(codec, frame, (view, reader) => {
      const name = nameOf(origin, sequence, id);
      const wanted = this.#parts.deliver(view, time, reader, frame, name, this.neighbours.meet(origin));
      if (wanted === undefined) this.#counters.repeated++;
      else if (wanted === 0) this.#counters.wasted++;
    });
  }

  /** @param entry - where the engine has it; `undefined`: it is news, and may not be kept in the end. */
  #keep(envelope: Envelope, entry: { readonly channel: string; readonly revision: number } | undefined): void {
    const { origin, sequence, time, codec, id } = envelope;
    if (id !== '') this.#recent.add(givenName(id));
    if (entry !== undefined && origin === this.#parts.id && this.#parts.store.get(entry.channel)?.time === time) {
      this.#mirror.heard(entry.channel, entry.revision, true);
      return;
    }
    // What it came in is much bigger, and goes.
    const frame = envelope.frame.slice();
    const name = nameOf(origin, sequence, id);
    const given = origin === this.#parts.id && envelope.kind === Kind.Again ? id : undefined;
    const arrival = this.#open(codec, frame, (view, reader) =>
      this.#parts.keep(view, time, reader, frame, name, given),
    );
    if (entry === undefined) return;
    this.#mirror.heard(entry.channel, entry.revision, arrival !== 'older');
    const leftOver = time < this.#parts.desk.turn.clock.now() / 1000 - LEFT_OVER;
    if (arrival === 'expired' && leftOver) this.#mirror.forget(entry.channel);
  }

  #open<T>(codec: string, frame: Uint8Array, use: (view: MessageView, codec: Codec) => T): T | undefined {
    const { turn, logger } = this.#parts.desk;
    turn.begin();
    turn.relieve();
    let result: T | undefined;
    try {
      this.#parts.transcoder.read({ channel: 'a message of another broker', codec, frame }, (view, reader) => {
        result = use(view, reader);
      });
    } catch (error) {
      if (!(error instanceof SpokeError)) throw error;
      if (this.#counters.malformed++ === 0) logger.error({ err: error }, 'a message of another broker cannot be read');
    }
    return result;
  }

  #saved(channel: string, kept: Promise<unknown>): Promise<void> {
    const { logger } = this.#parts.desk;
    return kept.then(
      () => {
        if (this.#unsaved) logger.warn({}, 'the backplane keeps persistent messages again');
        this.#unsaved = false;
      },
      (error: unknown) => {
        if (!this.#unsaved) logger.error({ err: error }, 'persistent messages are not kept by the backplane');
        this.#unsaved = true;
        this.#mirror.differs(channel);
        throw error;
      },
    );
  }
}

/** What a message is called between brokers (docs/protocol.md#message-identity). */
function nameOf(origin: string, sequence: number, id: string): string {
  if (id === '') return `${origin}:${sequence}`;
  return id.startsWith(';') ? `${origin}:${sequence}${id}` : id;
}
