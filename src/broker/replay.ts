// Sends kept messages to a new subscription: at once while they are few, else in portions, so that neither the event
// loop nor a slow reader's queue is flooded.

import type { MessageStore, StoredMessage } from '../contracts/index.js';
import type { Turn } from '../link/index.js';
import * as keptControl from '../link/kept-control.js';
import type { Counters } from './counters.js';
import type { Desk } from './desk.js';
import type { Session } from './session.js';
import type { Transcoder } from './transcoder.js';

const PORTION_MESSAGES = 1024;
const PORTION_BYTES = 128 * 1024;
// Whoever asks more often for the end of one replay is answered early: what waits has to be bounded.
const MAX_WAITING = 64;

interface Running {
  readonly session: Session;
  readonly pattern: string;
  /** Whether it is still asked for. */
  readonly wanted: () => boolean;
  readonly messages: readonly StoredMessage[];
  next: number;
  /** Whether its next portion is already due at the end of the turn. */
  deferred: boolean;
}

/** What runs for one session, and what waits for all of it. */
interface SessionReplays {
  readonly byPattern: Map<string, Running>;
  readonly waiting: (() => void)[];
}

/** Replays of all sessions of one broker. */
export class Replays {
  readonly #store: MessageStore;
  readonly #turn: Turn;
  readonly #desk: Desk;
  readonly #transcoder: Transcoder;
  readonly #counters: Counters;
  readonly #running = new Map<Session, SessionReplays>();

  constructor(store: MessageStore, desk: Desk, transcoder: Transcoder, counters: Counters) {
    this.#store = store;
    this.#desk = desk;
    this.#turn = desk.turn;
    this.#transcoder = transcoder;
    this.#counters = counters;
  }

  /**
   * Sends what is kept under `pattern`, in the order in which the channels were first kept.
   * @param wanted - whether it is still asked for. Default: while the session is subscribed to the pattern.
   */
  start(session: Session, pattern: string, wanted = () => session.patterns.has(pattern)): void {
    const messages = this.#store.match(pattern);
    // Subscribing again asks for everything again: a replay that is still running is replaced.
    this.#running.get(session)?.byPattern.delete(pattern);
    if (messages.length === 0) {
      this.#bracket(session, { pattern, more: false, complete: true });
      this.#finish(session, pattern);
    } else this.#portion({ session, pattern, wanted, messages, next: 0, deferred: false }, true);
  }

  /** The session can take more. */
  resume(session: Session): void {
    const replays = this.#running.get(session);
    if (replays !== undefined) for (const replay of [...replays.byPattern.values()]) this.#portion(replay, false);
  }

  /**
   * Calls back when all replays that run for the session now are done.
   * @returns `false`: none runs, or too many wait already; it will not call back.
   */
  afterwards(session: Session, callback: () => void): boolean {
    const waiting = this.#running.get(session)?.waiting;
    if (waiting === undefined || waiting.length >= MAX_WAITING) return false;
    waiting.push(callback);
    return true;
  }

  /** The session ended. */
  forget(session: Session): void {
    this.#running.delete(session);
  }

  /** @param fresh - whether nothing can have changed since the messages were looked up. */
  #portion(replay: Running, fresh: boolean): void {
    const { session, messages } = replay;
    const { outbox } = session.link;
    if (!replay.wanted()) {
      this.#finish(session, replay.pattern);
      return;
    }
    this.#bracket(session, { pattern: replay.pattern, more: true });
    let bytes = 0;
    const last = Math.min(messages.length, replay.next + PORTION_MESSAGES);
    while (replay.next < last && bytes < PORTION_BYTES && !outbox.blocked) {
      const message = messages[replay.next++];
      if (message === undefined) break;
      // What changed meanwhile has reached the subscriber as a live message: older must not follow newer.
      if (!fresh && this.#store.get(message.channel)?.time !== message.time) continue;
      bytes += message.frame.length;
      this.#send(session, message);
    }
    const complete = replay.next >= messages.length;
    this.#bracket(session, { pattern: replay.pattern, more: false, complete });
    if (complete) this.#finish(session, replay.pattern);
    else this.#wait(replay);
  }

  #send(session: Session, message: StoredMessage): void {
    const { codec } = session.link;
    const { sink } = this.#turn;
    if (codec === undefined || (!this.#desk.open && !this.#desk.mayReceive(session, message.channel))) return;
    let length = message.frame.length;
    if (codec.name === message.codec) {
      // Copied next to its neighbours, so that a whole portion leaves as one range.
      const at = sink.reserve(length);
      sink.block.set(message.frame, at);
      sink.commit(length);
    } else {
      try {
        length = this.#transcoder.stored(message, codec, sink);
      } catch (error) {
        this.#desk.logger.warn({ err: error, channel: message.channel, to: session.address }, 'kept message not sent');
        return;
      }
    }
    session.link.outbox.push(sink.block, sink.position - length, sink.position);
    this.#counters.delivered++;
  }

  // Around a portion, for those who want to tell its messages from live ones.
  #bracket(session: Session, body: keptControl.KeptBody): void {
    if (session.features.has('kept')) this.#desk.tell(session, keptControl.KEPT, body);
  }

  #wait(replay: Running): void {
    const { session, pattern } = replay;
    let replays = this.#running.get(session);
    if (replays === undefined) this.#running.set(session, (replays = { byPattern: new Map(), waiting: [] }));
    replays.byPattern.set(pattern, replay);
    // A blocked session calls `resume` when it has room.
    if (session.link.outbox.blocked || replay.deferred) return;
    replay.deferred = true;
    this.#turn.clock.defer(() => {
      replay.deferred = false;
      const current = this.#running.get(session)?.byPattern.get(pattern) === replay;
      if (current && !session.link.outbox.blocked) this.#portion(replay, false);
    });
  }

  #finish(session: Session, pattern: string): void {
    const replays = this.#running.get(session);
    if (replays === undefined) return;
    replays.byPattern.delete(pattern);
    if (replays.byPattern.size > 0) return;
    this.#running.delete(session);
    for (const callback of replays.waiting) callback();
  }
}
