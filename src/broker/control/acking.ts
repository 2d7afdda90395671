// Tells publishers that their messages were applied (docs/protocol.md#feature-ack), and applies each once, however often it
// comes: what was not acknowledged when a connection was lost is published again.

import type { Codec, MessageStore, MessageView } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { Flushable } from '../../link/index.js';
import * as ackControl from '../../link/ack-control.js';
import type { Desk } from '../desk.js';
import { asSpokeError } from '../errors.js';
import type { MessageId, Seen } from '../seen.js';
import { readId } from '../seen.js';
import type { Session } from '../session.js';
import type { ControlPart } from './part.js';

/** Key of the store's note of what was applied of an origin: `time(8)`, then what `Seen` saves. */
const NOTE = 'seen/';
const TIME_BYTES = 8;
/** Seconds after which a publisher will not come back any more. */
const MAX_AGE = 7 * 24 * 60 * 60;
/** Seconds in which a client that was connected elsewhere has sent again what was not answered there. */
const MOVED_FOR = 10;
/** Numbers of one `-control/waiting` that are answered. */
const MAX_WAITING = 100_000;

/** What is still to be told to one session. */
class State {
  done: number[] = [];
  failed: ackControl.FailedBody[] = [];
  /** Why something of its was refused before it could be read. */
  unread: SpokeError | undefined;
}

/** Acknowledges the publishes of one broker's clients. */
export class Acking implements ControlPart, Flushable {
  /** What it flushes goes to outboxes. */
  readonly released = true;
  readonly features = ['ack'] as const;
  readonly brokersOnly = [ackControl.ACK];
  readonly handlers: NonNullable<ControlPart['handlers']>;
  /** Dropped, because they were applied before. */
  repeated = 0;
  readonly #desk: Desk;
  readonly #seen: Seen;
  readonly #store: MessageStore;
  readonly #elsewhere: (id: MessageId) => boolean;
  readonly #sessions = new Map<Session, State>();
  /** Came with numbers of which the first ones went to another broker, perhaps; until when that matters, in seconds. */
  readonly #moved = new WeakMap<Session, number>();
  /** By id: what is applied, and not durable yet. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #untold = new Set<Session>();

  /**
   * @param seen - tells `forgotten` of what it forgets.
   * @param elsewhere - whether a message came from another broker already, where its publisher was before.
   */
  constructor(desk: Desk, seen: Seen, store: MessageStore, elsewhere: (id: MessageId) => boolean = () => false) {
    this.#desk = desk;
    this.#seen = seen;
    this.#store = store;
    this.#elsewhere = elsewhere;
    this.handlers = {
      [ackControl.WAITING]: {
        request: true,
        feature: 'ack',
        handle: (session, view, codec) => this.#waiting(session, view, codec),
      },
    };
  }

  /** The store was opened: what it knows of was applied. */
  restore(): void {
    const now = this.#desk.turn.clock.now() / 1000;
    const known: { readonly time: number; readonly origin: string; readonly saved: Uint8Array }[] = [];
    for (const [key, value] of this.#store.notes()) {
      if (!key.startsWith(NOTE) || value.length < TIME_BYTES) continue;
      const time = new DataView(value.buffer, value.byteOffset).getFloat64(0, true);
      known.push({ time, origin: key.slice(NOTE.length), saved: value.subarray(TIME_BYTES) });
    }
    known.sort((a, b) => a.time - b.time);
    for (const { time, origin, saved } of known) {
      if (time < now - MAX_AGE) this.forgotten(origin);
      else this.#seen.restore(origin, saved);
    }
  }

  /** Nothing is known of this origin any more. */
  forgotten(origin: string): void {
    void this.#store.note(NOTE + origin, undefined);
  }

  welcomed(session: Session): void {
    this.ended(session);
    if (session.features.has('ack')) this.#sessions.set(session, new State());
  }

  ended(session: Session): void {
    this.#sessions.delete(session);
    this.#untold.delete(session);
  }

  /** Whether a message is to be acknowledged. Others with an id are somebody else's. */
  concerns(session: Session, view: MessageView): boolean {
    return view.id !== undefined && this.#sessions.has(session);
  }

  /**
   * Whether a message that is to be acknowledged goes on: not when it was here already. From now on it counts as applied.
   */
  admits(session: Session, view: MessageView): boolean {
    const id = idOf(view);
    if (id === undefined || id.alias !== undefined) {
      this.#desk.refuse(
        session,
        new SpokeError('MALFORMED', 'an id is an origin and a number: <origin>:<n>'),
        undefined,
      );
      return false;
    }
    if (id.sequence > 1 && !this.#seen.knows(id.origin)) this.#moved.set(session, this.#desk.turn.seconds + MOVED_FOR);
    if (this.#seen.add(id) && !this.#elsewhere(id)) return true;
    this.repeated++;
    this.#answer(session, id);
    return false;
  }

  /** Whether what it publishes may have been applied by another broker, from which it has come. */
  moved(session: Session): boolean {
    const until = this.#moved.get(session);
    return until !== undefined && this.#desk.turn.seconds < until;
  }

  /**
   * A message that was admitted has been applied.
   * @param stored - resolves when it is durable.
   */
  applied(session: Session, view: MessageView, stored: Promise<void> | undefined): void {
    const id = idOf(view);
    if (id === undefined) return;
    if (stored === undefined) {
      this.#done(session, id.sequence);
      return;
    }
    const key = `${id.origin}:${id.sequence}`;
    const { channel } = view.head;
    this.#pending.set(key, stored);
    stored.then(
      () => {
        this.#pending.delete(key);
        this.#done(session, id.sequence);
      },
      (cause: unknown) => {
        this.#pending.delete(key);
        const error = asSpokeError(cause);
        this.#desk.count(session, error, channel);
        this.#failed(session, id, error, channel);
      },
    );
  }

  /** Writes down that a message was applied. To be called in one go with storing it, so that both last or neither. */
  note(view: MessageView): void {
    const id = idOf(view);
    if (id === undefined) return;
    const saved = this.#seen.save(id.origin);
    const value = new Uint8Array(TIME_BYTES + saved.length);
    new DataView(value.buffer).setFloat64(0, this.#desk.turn.seconds, true);
    value.set(saved, TIME_BYTES);
    void this.#store.note(NOTE + id.origin, value);
  }

  /** A message was refused; it is told as the answer to it. */
  refuse(session: Session, view: MessageView, error: SpokeError): void {
    const id = idOf(view);
    const { channel } = view.head;
    if (id === undefined) {
      this.#desk.refuse(session, error, channel);
      return;
    }
    this.#desk.count(session, error, channel);
    this.#failed(session, id, error, channel);
  }

  /** Something of the session was refused before it could be read. */
  unread(session: Session, error: SpokeError): void {
    const state = this.#sessions.get(session);
    if (state !== undefined) state.unread = error;
  }

  /** End of the turn: one message for all. */
  flush(): void {
    for (const session of this.#untold) {
      const state = this.#sessions.get(session);
      if (state === undefined) continue;
      const body: ackControl.AckBody = {
        done: ackControl.rangesOf(state.done.sort((a, b) => a - b)),
        failed: state.failed,
      };
      state.done = [];
      state.failed = [];
      this.#desk.tell(session, ackControl.ACK, body);
    }
    this.#untold.clear();
  }

  // What the client did not hear of: it was applied, it is being applied, or it never came through.
  #waiting(session: Session, view: MessageView, codec: Codec): boolean {
    const body = ackControl.readWaiting(codec.decodeBody(view));
    const state = this.#sessions.get(session);
    if (body === undefined || state === undefined) {
      const error = new SpokeError('MALFORMED', `${ackControl.WAITING} takes {origin, waiting}`);
      this.#desk.refuse(session, error, ackControl.WAITING);
      return false;
    }
    const { origin } = body;
    let room = MAX_WAITING;
    for (const [from, to] of body.waiting) {
      for (let sequence = from; sequence <= to && room > 0; sequence++, room--) {
        const id = { origin, sequence };
        if (this.#seen.has(id)) this.#answer(session, id);
        else this.#failed(session, id, state.unread ?? new SpokeError('MALFORMED', 'it could not be read'));
      }
    }
    return false;
  }

  #answer(session: Session, id: MessageId): void {
    const stored = this.#pending.get(`${id.origin}:${id.sequence}`);
    if (stored === undefined) this.#done(session, id.sequence);
    else {
      stored.then(
        () => this.#done(session, id.sequence),
        (error: unknown) => this.#failed(session, id, asSpokeError(error)),
      );
    }
  }

  #done(session: Session, sequence: number): void {
    this.#sessions.get(session)?.done.push(sequence);
    this.#schedule(session);
  }

  #failed(session: Session, id: MessageId, { code, message }: SpokeError, channel?: string): void {
    this.#seen.remove(id);
    const body = { n: id.sequence, code, message, ...(channel !== undefined && { channel }) };
    this.#sessions.get(session)?.failed.push(body);
    this.#schedule(session);
  }

  #schedule(session: Session): void {
    if (!this.#sessions.has(session)) return;
    if (this.#untold.size === 0) this.#desk.turn.add(this);
    this.#untold.add(session);
  }
}

// Its id was looked at when it was admitted, mostly.
function idOf({ id }: MessageView): MessageId | undefined {
  return id === undefined ? undefined : readId(id);
}
