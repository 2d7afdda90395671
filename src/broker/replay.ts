// Sends kept messages to a new subscription: at once while they are few, else in portions, so that neither the event
// loop nor a slow reader's queue is flooded.

import type { MessageStore, StoredMessage } from '../contracts/index.js';
import type { Turn } from '../link/index.js';
import type { Session } from './session.js';

const PORTION_MESSAGES = 2048;
const PORTION_BYTES = 512 * 1024;

interface Running {
  readonly session: Session;
  readonly pattern: string;
  readonly messages: readonly StoredMessage[];
  next: number;
  /** Whether its next portion is already due at the end of the turn. */
  deferred: boolean;
}

/** Replays of all sessions of one broker. */
export class Replays {
  readonly #store: MessageStore;
  readonly #turn: Turn;
  readonly #send: (session: Session, message: StoredMessage) => void;
  readonly #running = new Map<Session, Map<string, Running>>();

  /** @param send - queues one kept message on a session. */
  constructor(store: MessageStore, turn: Turn, send: (session: Session, message: StoredMessage) => void) {
    this.#store = store;
    this.#turn = turn;
    this.#send = send;
  }

  /** Sends what is kept under `pattern`, in the order in which the channels were first kept. */
  start(session: Session, pattern: string): void {
    const messages = this.#store.match(pattern);
    // Subscribing again asks for everything again: a replay that is still running is replaced.
    this.#finish(session, pattern);
    if (messages.length > 0) this.#portion({ session, pattern, messages, next: 0, deferred: false });
  }

  /** The session can take more. */
  resume(session: Session): void {
    const replays = this.#running.get(session);
    if (replays !== undefined) for (const replay of [...replays.values()]) this.#portion(replay);
  }

  /** The session ended. */
  forget(session: Session): void {
    this.#running.delete(session);
  }

  #portion(replay: Running): void {
    const { session, messages } = replay;
    const { outbox } = session.link;
    if (!session.patterns.has(replay.pattern)) {
      this.#finish(session, replay.pattern);
      return;
    }
    const first = replay.next === 0;
    let bytes = 0;
    const last = Math.min(messages.length, replay.next + PORTION_MESSAGES);
    while (replay.next < last && bytes < PORTION_BYTES && !outbox.blocked) {
      const message = messages[replay.next++];
      if (message === undefined) break;
      // What changed since the replay began has reached the subscriber as a live message: older must not follow newer.
      if (!first && this.#store.get(message.channel) !== message) continue;
      bytes += message.frame.length;
      this.#send(session, message);
    }
    if (replay.next >= messages.length) this.#finish(session, replay.pattern);
    else this.#wait(replay);
  }

  #wait(replay: Running): void {
    const { session, pattern } = replay;
    let replays = this.#running.get(session);
    if (replays === undefined) this.#running.set(session, (replays = new Map<string, Running>()));
    replays.set(pattern, replay);
    // A blocked session calls `resume` when it has room.
    if (session.link.outbox.blocked || replay.deferred) return;
    replay.deferred = true;
    this.#turn.clock.defer(() => {
      replay.deferred = false;
      const current = this.#running.get(session)?.get(pattern) === replay;
      if (current && !session.link.outbox.blocked) this.#portion(replay);
    });
  }

  #finish(session: Session, pattern: string): void {
    const replays = this.#running.get(session);
    if (replays?.delete(pattern) && replays.size === 0) this.#running.delete(session);
  }
}
