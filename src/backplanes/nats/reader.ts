// Reads a stream in order, from where it stopped: by a consumer that is made anew when a message is missing or nothing comes.

import type { ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { createInbox, nanos } from '@nats-io/transport-node';

import type { Clock, Logger } from '../../contracts/index.js';
import { placeOf } from './place.js';

// Milliseconds.
const HEARTBEAT = 2000;
const SILENCE = 3 * HEARTBEAT;
const ABANDONED = 10_000;
const STATUS = 100;

export interface ReaderParts {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly read: (subject: string, data: Uint8Array, sequence: number) => void;
  /** Nothing comes any more, or something is missing: it has to be started again. */
  readonly broken: () => void;
}

export class StreamReader {
  /** The last that was read. */
  last = 0;
  readonly #parts: ReaderParts;
  #subscription: Subscription | undefined;
  #consumer: string | undefined;
  #delivered = 0;
  #heardAt = 0;
  #cancelTimer: (() => void) | undefined;
  #complete: (() => void) | undefined;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Goes on after `last`. Resolves when all that was there has been read. */
  async start(): Promise<void> {
    this.stop();
    const { connection, manager, stream, clock } = this.#parts;
    const inbox = createInbox();
    const complete = new Promise<void>((resolve) => (this.#complete = resolve));
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error === null && subscription === this.#subscription) this.#message(message);
      },
    });
    this.#subscription = subscription;
    this.#delivered = 0;
    this.#heardAt = clock.monotonic();
    let info: ConsumerInfo;
    try {
      info = await manager.consumers.add(stream, {
        deliver_subject: inbox,
        ack_policy: AckPolicy.None,
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: nanos(ABANDONED),
        idle_heartbeat: nanos(HEARTBEAT),
        flow_control: true,
        deliver_policy: this.last === 0 ? DeliverPolicy.All : DeliverPolicy.StartSequence,
        ...(this.last > 0 && { opt_start_seq: this.last + 1 }),
      });
    } catch (error) {
      if (subscription === this.#subscription) this.stop();
      throw error;
    }
    if (subscription !== this.#subscription) return;
    this.#consumer = info.name;
    this.#watch();
    if (info.num_pending === 0 && info.delivered.consumer_seq === 0) this.#complete?.();
    await complete;
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { connection, manager, stream } = this.#parts;
    if (this.#subscription !== undefined && !connection.isClosed()) {
      this.#subscription.unsubscribe();
      // It ends by itself otherwise.
      if (this.#consumer !== undefined) manager.consumers.delete(stream, this.#consumer).catch(() => {});
    }
    this.#subscription = undefined;
    this.#consumer = undefined;
    this.#complete?.();
  }

  #message(message: Msg): void {
    this.#heardAt = this.#parts.clock.monotonic();
    if (message.headers?.code === STATUS) {
      this.#status(message);
      return;
    }
    const place = placeOf(message.reply ?? '');
    if (place === undefined) return;
    if (place.delivered !== this.#delivered + 1) {
      this.#break('a message of the stream is missing');
      return;
    }
    this.#delivered = place.delivered;
    if (place.sequence > this.last) {
      this.last = place.sequence;
      this.#parts.read(message.subject, message.data, place.sequence);
    }
    if (place.pending === 0) this.#complete?.();
  }

  #status(message: Msg): void {
    const { headers, reply = '' } = message;
    const stalled = headers?.get('Nats-Consumer-Stalled') ?? '';
    // It waits to be told that everything up to here was read.
    if (reply !== '') message.respond();
    else if (stalled !== '') this.#parts.connection.publish(stalled);
    else if (Number(headers?.get('Nats-Last-Consumer') ?? 0) > this.#delivered) this.#break('the stream is ahead');
  }

  #watch(): void {
    const { clock } = this.#parts;
    this.#cancelTimer = clock.setTimer(HEARTBEAT, () => {
      if (clock.monotonic() - this.#heardAt > SILENCE) this.#break('the stream is silent');
      else this.#watch();
    });
  }

  #break(why: string): void {
    this.#parts.logger.debug({ stream: this.#parts.stream, last: this.last }, why);
    this.stop();
    this.#parts.broken();
  }
}
