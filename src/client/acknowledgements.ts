// Publishes that the broker answers (docs/protocol.md#feature-ack): each is kept until then, and sent again when its connection
// was lost. The broker knows the copies by their ids, and applies one.

import type { Clock, Limits } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import * as ackControl from '../link/ack-control.js';
import * as control from '../link/control.js';
import { OfflineQueue, queueFull } from './offline-queue.js';
import type { Offer } from './offer.js';
import { randomId } from './random-id.js';

/** What they need of their client. */
export interface AnswerHost {
  readonly url: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly offer: Offer;
  connected(): boolean;
  /** Sends a control message to the broker. */
  tell(channel: string, body: unknown): void;
}

/** A message without an answer. */
interface Held {
  readonly frame: Uint8Array;
  /** Whether a connection had it. */
  written: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const CLOSE_TIMEOUT = 1000;

/** What one client has published and not heard of. */
export class Acknowledgements {
  /** Sends again, in order, what the connection before may have lost, and then what was published since. */
  readonly offline: OfflineQueue;
  readonly #host: AnswerHost;
  readonly #origin = randomId();
  // By number, ascending.
  readonly #held = new Map<number, Held>();
  #bytes = 0;
  #last = 0;
  #finish: (() => void) | undefined;

  constructor(host: AnswerHost) {
    this.#host = host;
    this.offline = new ResendingQueue(host.limits.offlineBytes, (send) => this.#resend(send));
    host.offer.onDecided((features) => {
      if (!features.has('ack')) this.#letGo();
    });
  }

  /** The id of the next message; `undefined`: the present broker does not answer. */
  next(): string | undefined {
    return this.#host.offer.features?.has('ack') === false ? undefined : `${this.#origin}:${this.#last + 1}`;
  }

  /**
   * Keeps the message with the next id.
   * @param send - hands it over; resolves when a connection has it.
   * @returns resolves when it was answered.
   * @throws {SpokeError} (as a rejection) the broker's code; `QUEUE_FULL`, `ABORTED`, and whatever `send` rejects with.
   */
  async answer(frame: Uint8Array, signal: AbortSignal | undefined, send: () => Promise<void>): Promise<void> {
    const { offlineBytes } = this.#host.limits;
    if (this.#bytes + frame.length > offlineBytes) throw queueFull(offlineBytes);
    const n = ++this.#last;
    let aborted: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const held: Held = { frame, written: false, resolve, reject };
        this.#held.set(n, held);
        this.#bytes += frame.length;
        send().then(
          () => (held.written = true),
          (error: unknown) => this.#settle(n, () => reject(error)),
        );
        aborted = () => {
          const text = 'publish was aborted before the broker answered; it may have been published';
          this.#settle(n, () => reject(new SpokeError('ABORTED', text, { cause: signal?.reason })));
        };
        signal?.addEventListener('abort', aborted, { once: true });
        this.#host.offer.ask();
      });
    } finally {
      if (aborted !== undefined) signal?.removeEventListener('abort', aborted);
    }
  }

  /** The broker's answers. */
  answered(body: unknown): void {
    const answer = ackControl.readAck(body);
    if (answer === undefined) return;
    for (const [from, to] of answer.done) {
      // Whatever the broker says, not more is looked at than there is.
      const numbers = to - from < this.#held.size ? numbersFrom(from, to) : [...this.#held.keys()];
      for (const n of numbers) if (n >= from && n <= to) this.#settle(n, ({ resolve }) => resolve());
    }
    for (const { n, ...error } of answer.failed) {
      this.#settle(n, ({ reject }) => reject(control.asError(error, this.#host.url)));
    }
  }

  /** The broker refused something. When it could not read what, it may have been one of these. */
  refused(): void {
    if (this.#held.size === 0 || this.#host.offer.features?.has('ack') !== true) return;
    const body: ackControl.WaitingBody = { origin: this.#origin, waiting: ackControl.rangesOf(this.#held.keys()) };
    this.#host.tell(ackControl.WAITING, body);
  }

  /** The connection has ended. */
  lost(): void {
    this.#finish?.();
  }

  /** Resolves when there is nothing to wait for, or no use in it; `undefined`: that is so already. */
  closing(): Promise<void> | undefined {
    if (this.#held.size === 0 || !this.#host.connected()) return undefined;
    return new Promise((resolve) => {
      const cancel = this.#host.clock.setTimer(CLOSE_TIMEOUT, () => this.#finish?.());
      this.#finish = () => {
        this.#finish = undefined;
        cancel();
        resolve();
      };
    });
  }

  closed(reason: unknown): void {
    this.#finish?.();
    for (const n of [...this.#held.keys()]) this.#settle(n, ({ reject }) => reject(reason));
  }

  #resend(send: (frame: Uint8Array) => void): void {
    for (const { frame, written } of this.#held.values()) if (written) send(frame);
    if (this.#held.size > 0) this.#host.offer.ask();
  }

  // The present broker does not answer: that they were written is all there is to know.
  #letGo(): void {
    for (const [n, { written }] of [...this.#held]) if (written) this.#settle(n, ({ resolve }) => resolve());
  }

  #settle(n: number, settle: (held: Held) => void): void {
    const held = this.#held.get(n);
    if (held === undefined) return;
    this.#held.delete(n);
    this.#bytes -= held.frame.length;
    settle(held);
    if (this.#held.size === 0) this.#finish?.();
  }
}

class ResendingQueue extends OfflineQueue {
  readonly #resend: (send: (frame: Uint8Array) => void) => void;

  constructor(limit: number, resend: (send: (frame: Uint8Array) => void) => void) {
    super(limit);
    this.#resend = resend;
  }

  override flush(send: (frame: Uint8Array) => void): void {
    this.#resend(send);
    super.flush(send);
  }
}

function* numbersFrom(from: number, to: number): Generator<number> {
  for (let n = from; n <= to; n++) yield n;
}
