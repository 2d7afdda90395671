// What comes in on all connections of one broker, looked at chunk by chunk and not message by message: nobody has it read for
// itself alone, holds the memory of all with what it does not finish, or sends faster than it may.

import { SpokeError } from '../contracts/index.js';
import type { Desk } from './desk.js';
import type { Session } from './session.js';

/**
 * Bytes of one connection after which it is the turn of the others: at most so much work lies before what they have sent.
 * Measured: docs/decisions/024-limits-and-fairness.md.
 */
const SHARE = 64 * 1024;
/** Whoever brings that much of a first message within `handshakeTime` goes on. */
const PROGRESS = 64 * 1024;

/** Counts, of one broker. */
export class Intake {
  /** Held of messages that have not ended. */
  unfinishedBytes = 0;
  /** How often a connection was not read for a while, because of `limits.messagesPerSecond`. */
  throttled = 0;
  /** Connections ended for what they did not finish. */
  cut = 0;
  readonly #desk: Desk;
  readonly #sessions: Iterable<Session>;

  /** @param sessions - all there are. */
  constructor(desk: Desk, sessions: Iterable<Session>) {
    this.#desk = desk;
    this.#sessions = sessions;
  }

  /** A session has brought so many bytes, and its messages were handled. */
  heard(session: Session, bytes: number): void {
    const { link, inflow } = session;
    if (link.ended) return;
    const { unfinishedBytes } = link;
    if (unfinishedBytes !== inflow.unfinished) this.#unfinished(session, unfinishedBytes);
    if (!inflow.greeted) this.#await(session);
    if (inflow.metered) this.#meter(session);
    inflow.bytes += bytes;
    if (inflow.bytes >= SHARE) this.#yield(session);
  }

  ended(session: Session): void {
    const { inflow } = session;
    this.unfinishedBytes -= inflow.unfinished;
    inflow.unfinished = 0;
    inflow.cancelGreeting?.();
    inflow.cancelWait?.();
  }

  #yield({ link, inflow }: Session): void {
    inflow.bytes = 0;
    link.pause();
    this.#desk.turn.clock.defer(() => link.resume());
  }

  #unfinished(session: Session, bytes: number): void {
    const { unfinishedBytes: limit } = this.#desk.limits;
    this.unfinishedBytes += bytes - session.inflow.unfinished;
    session.inflow.unfinished = bytes;
    while (this.unfinishedBytes > limit) {
      const greatest = this.#greatest();
      if (greatest === undefined) return;
      this.cut++;
      this.unfinishedBytes -= greatest.inflow.unfinished;
      greatest.inflow.unfinished = 0;
      const text =
        `${greatest.address} holds most of more than ${limit} bytes of messages that do not end ` +
        '(limits.unfinishedBytes, of all connections)';
      this.#desk.dismiss(greatest, new SpokeError('LIMIT_EXCEEDED', text, { details: { limit } }));
    }
  }

  #greatest(): Session | undefined {
    let greatest: Session | undefined;
    for (const session of this.#sessions) {
      if (!session.link.ended && session.inflow.unfinished > (greatest?.inflow.unfinished ?? 0)) greatest = session;
    }
    return greatest;
  }

  // Who has said nothing harms nobody: old peers that only listen say nothing for hours. Who has begun has to go on.
  #await(session: Session): void {
    const { link, inflow } = session;
    if (link.frames > 0) {
      inflow.greeted = true;
      inflow.cancelGreeting?.();
      inflow.cancelGreeting = undefined;
    } else if (inflow.cancelGreeting === undefined && link.unfinishedBytes > 0) this.#expect(session);
  }

  #expect(session: Session): void {
    const { link, inflow, limits } = session;
    const { handshakeTime } = limits;
    const before = link.unfinishedBytes;
    inflow.cancelGreeting = this.#desk.turn.clock.setTimer(handshakeTime, () => {
      // Bytes that this side does not read cannot come.
      if (link.unfinishedBytes - before >= PROGRESS || link.paused) {
        this.#expect(session);
        return;
      }
      this.cut++;
      const text = `${session.address} has begun its first message and not ended it in ${handshakeTime} ms (limits.handshakeTime)`;
      this.#desk.dismiss(session, new SpokeError('TIMEOUT', text));
    });
  }

  #meter(session: Session): void {
    const { link, inflow, limits } = session;
    const { clock } = this.#desk.turn;
    const messages = link.frames - inflow.frames;
    inflow.frames = link.frames;
    const wait = inflow.spend(messages, clock.monotonic());
    // Bytes that were under way may come although nothing is read.
    if (wait === 0 || inflow.cancelWait !== undefined) return;
    this.throttled++;
    link.pause();
    inflow.cancelWait = clock.setTimer(wait, () => this.#waited(session));
    if (inflow.told) return;
    inflow.told = true;
    const limit = limits.messagesPerSecond;
    const text = `more than ${limit} messages a second (limits.messagesPerSecond): they are read no faster, and none is lost`;
    this.#desk.warn(session, new SpokeError('LIMIT_EXCEEDED', text, { details: { limit } }));
  }

  #waited(session: Session): void {
    const { link, inflow } = session;
    const rest = inflow.spend(0, this.#desk.turn.clock.monotonic());
    inflow.cancelWait = rest > 0 ? this.#desk.turn.clock.setTimer(rest, () => this.#waited(session)) : undefined;
    if (rest === 0) link.resume();
  }
}
