// Asks a consumer of JetStream for as many messages as there is room for, one request at a time.

import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { createInbox, nanos } from '@nats-io/transport-node';

import type { Clock } from '../../../contracts/index.js';

// Milliseconds.
const HEARTBEAT = 5000;
const SILENCE = 3 * HEARTBEAT;
const REQUEST = 30_000;
const LAST_REQUEST = 20;
const LAST_TIMEOUT = 1000;
const RETRY = 250;
/** Messages of one request. */
const BATCH = 1000;
const HEARTBEAT_STATUS = 100;
const CONFLICT = 409;

export interface PullerParts {
  readonly connection: NatsConnection;
  readonly clock: Clock;
  readonly stream: string;
  readonly consumer: string;
  readonly message: (message: Msg) => void;
  /** A request has ended, and brought nothing. */
  readonly idle: () => void;
  /** Nothing comes any more. */
  readonly broken: (why: string) => void;
}

export class Puller {
  readonly #parts: PullerParts;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  #room = 0;
  /** Of the present request. */
  #missing = 0;
  #brought = 0;
  #request = 0;
  #heardAt = 0;
  #cancelTimer: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #stopped = false;

  constructor(parts: PullerParts) {
    this.#parts = parts;
    this.#subscription = parts.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#heard(message);
      },
    });
    this.#watch();
  }

  more(count: number): void {
    this.#room += count;
    this.#pull();
  }

  /** Takes no more. What is on its way still comes; resolves when nothing is. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelRetry?.();
    if (this.#parts.connection.isClosed()) return;
    await this.#subscription.drain().catch(() => {});
    await this.#sweep();
  }

  /** Takes no more, and gives up what is on its way. */
  abandon(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelRetry?.();
    if (!this.#parts.connection.isClosed()) this.#subscription.unsubscribe();
  }

  // The server still has the request that nobody waits for any more. Given something back, 2.9.10 would try that request, find nobody,
  // and forget what it was about to deliver until its lease is over. A new request makes it look through the old ones.
  async #sweep(): Promise<void> {
    const { connection, clock, stream, consumer, message } = this.#parts;
    const inbox = createInbox();
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(LAST_TIMEOUT, resolve);
      const subscription = connection.subscribe(inbox, {
        max: 1,
        callback: (error, last) => {
          if (error === null && (last.headers?.code ?? 0) === 0) message(last);
          cancel();
          resolve();
        },
      });
      const request = { batch: 1, expires: nanos(LAST_REQUEST) };
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), { reply: inbox });
      subscription.closed.then(cancel, cancel);
    });
  }

  #pull(): void {
    if (this.#missing > 0 || this.#room === 0 || this.#stopped || this.#cancelRetry !== undefined) return;
    const { connection, stream, consumer, clock } = this.#parts;
    this.#missing = Math.min(this.#room, BATCH);
    this.#brought = 0;
    this.#heardAt = clock.monotonic();
    const request = { batch: this.#missing, expires: nanos(REQUEST), idle_heartbeat: nanos(HEARTBEAT) };
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), {
      reply: `${this.#inbox}.${++this.#request}`,
    });
  }

  #heard(message: Msg): void {
    this.#heardAt = this.#parts.clock.monotonic();
    if (message.headers !== undefined && message.headers.code > 0 && message.data.length === 0) {
      this.#status(message, message.headers.code);
      return;
    }
    this.#room--;
    this.#missing--;
    this.#brought++;
    this.#parts.message(message);
    this.#pull();
  }

  #status({ subject, headers }: Msg, code: number): void {
    // Of an earlier request.
    if (code === HEARTBEAT_STATUS || this.#stopped || !subject.endsWith(`.${this.#request}`)) return;
    this.#missing = 0;
    const text = headers?.description ?? '';
    if (code === CONFLICT && /deleted/i.test(text)) {
      this.#parts.broken(text);
      return;
    }
    if (this.#brought === 0) this.#parts.idle();
    if (/timeout/i.test(text)) this.#pull();
    else {
      this.#cancelRetry = this.#parts.clock.setTimer(RETRY, () => {
        this.#cancelRetry = undefined;
        this.#pull();
      });
    }
  }

  #watch(): void {
    const { clock, broken } = this.#parts;
    this.#cancelTimer = clock.setTimer(HEARTBEAT, () => {
      if (this.#missing > 0 && clock.monotonic() - this.#heardAt > SILENCE) broken('the consumer is silent');
      else this.#watch();
    });
  }
}
