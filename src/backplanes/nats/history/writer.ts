// Publishes what is recorded, and waits for the engine to have stored it. In order: while the engine does not take it, nothing newer
// is sent.

import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { createInbox, headers } from '@nats-io/transport-node';

import type { Clock, Kept } from '../../../contracts/index.js';
import { SpokeError } from '../../../contracts/index.js';
import type { PendingKeep } from '../../pending-keeps.js';
import { PendingKeeps } from '../../pending-keeps.js';
import { readAnswer } from '../answer.js';

// Milliseconds.
const RETRY = 250;
const UNANSWERED = 2000;
const MSG_ID = 'Nats-Msg-Id';

export interface WriterParts {
  readonly connection: NatsConnection;
  readonly clock: Clock;
  readonly pendingBytes: number;
  readonly reachable: () => boolean;
  /** `undefined`: no history keeps that any more. */
  readonly subject: (channel: string) => string | undefined;
  /** Nobody takes it: what is kept may be another thing now. */
  readonly refused: () => Promise<void>;
  readonly sent: () => void;
}

export class Writer {
  readonly #parts: WriterParts;
  readonly #pending: PendingKeeps;
  readonly #answers = createInbox();
  #paused = false;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#pending = new PendingKeeps(
      parts.clock,
      () => parts.pendingBytes,
      (record) => this.#send(record),
    );
    parts.connection.subscribe(`${this.#answers}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
      },
    });
  }

  get bytes(): number {
    return this.#pending.bytes;
  }

  record(channel: string, data: Uint8Array, id: string): Promise<Kept> {
    const recorded = this.#pending.add(channel, data, { id });
    this.#watch();
    return recorded;
  }

  /** There is a connection again. */
  resend(): void {
    this.#paused = false;
    this.#pending.resend();
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#pending.idle();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#pending.close();
  }

  #send({ number, channel, data, id }: PendingKeep): void {
    const { connection, reachable, subject, sent } = this.#parts;
    if (this.#paused || !reachable() || connection.isClosed()) return;
    const to = subject(channel);
    if (to === undefined) {
      this.#pending.failed(number, new SpokeError('STORE_FAILED', `${channel}: its history is kept no more`));
      return;
    }
    sent();
    const about = headers();
    about.set(MSG_ID, id);
    connection.publish(to, data, { reply: `${this.#answers}.${number}`, headers: about });
  }

  #answered(message: Msg): void {
    const number = Number(message.subject.slice(this.#answers.length + 1));
    const answer = readAnswer(message);
    if (answer === 'again') this.#pause();
    else if (answer instanceof SpokeError) this.#pending.failed(number, answer);
    else this.#pending.answered(number, answer);
  }

  // All that waits goes out again, in order.
  #pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#parts.clock.setTimer(RETRY, () => {
      void this.#parts.refused().finally(() => {
        if (!this.#closed) this.resend();
      });
    });
  }

  // A cluster that has just changed its leader may say nothing at all.
  #watch(): void {
    if (this.#cancelTimer !== undefined || this.#closed || this.#pending.size === 0) return;
    this.#cancelTimer = this.#parts.clock.setTimer(UNANSWERED, () => {
      this.#cancelTimer = undefined;
      this.#pending.resendOlder(UNANSWERED);
      this.#watch();
    });
  }
}
