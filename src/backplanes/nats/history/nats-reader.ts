// Reads a history by a consumer: one of its own that begins anew where it stopped, or a durable one.

import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from '@nats-io/jetstream';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { nanos } from '@nats-io/transport-node';

import type { Clock, HistoryFrom, HistoryReader, HistoryReadOptions, Logger } from '../../../contracts/index.js';
import { HISTORY_LEASE, SpokeError } from '../../../contracts/index.js';
import type { Place } from '../place.js';
import { placeOf } from '../place.js';
import { isNotFound, storeFailed } from './errors.js';
import type { HistoryStream } from './history-streams.js';
import { Puller } from './puller.js';

// Milliseconds.
const RETRY = 250;
const ABANDONED = 30_000;
const RENEWAL = HISTORY_LEASE / 3;

export interface NatsReaderParts {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stream: HistoryStream;
  readonly options: HistoryReadOptions;
  /** Subject of what it reads. */
  readonly filter: string;
  /** The consumer of a durable; it is there. */
  readonly consumer: string | undefined;
  readonly reachable: () => boolean;
  /** The stream as it is now; `undefined`: it is gone. */
  readonly look: () => Promise<HistoryStream | undefined>;
  readonly closed: () => void;
}

interface Held {
  reply: string;
  /** When it was given, or prolonged. */
  since: number;
}

export class NatsReader implements HistoryReader {
  readonly epoch: string;
  readonly #parts: NatsReaderParts;
  // Of a durable, by sequence.
  readonly #held = new Map<number, Held>();
  /** Answers that could not be sent. */
  #late: [string, string][] = [];
  #puller: Puller | undefined;
  #removals: Subscription | undefined;
  #ephemeral: string | undefined;
  #room = 0;
  #next: number | undefined;
  #delivered = 0;
  /** Of those that were there when it began. */
  #before = Infinity;
  #caughtUp = false;
  #recovering = false;
  #ended = false;
  #closing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: NatsReaderParts) {
    this.#parts = parts;
    this.epoch = parts.stream.created;
  }

  /** @throws {SpokeError} `STORE_FAILED` */
  async start(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      throw storeFailed(`${this.#parts.options.pattern} cannot be read`, error);
    }
    this.#watchRemoval();
    if (this.#parts.consumer !== undefined) this.#renew();
  }

  get next(): number {
    return this.#next ?? 1;
  }

  more(count: number): void {
    this.#room += count;
    this.#puller?.more(count);
  }

  done(sequence: number): void {
    this.#answer(sequence, '+ACK');
  }

  again(sequence: number, delay: number): void {
    this.#answer(sequence, delay > 0 ? `-NAK ${JSON.stringify({ delay: nanos(delay) })}` : '-NAK');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended) return;
    this.#finish();
    const { connection, manager, stream, consumer } = this.#parts;
    if (consumer === undefined) {
      this.#puller?.abandon();
      if (this.#ephemeral !== undefined && !connection.isClosed()) {
        // It ends by itself otherwise.
        manager.consumers.delete(stream.name, this.#ephemeral).catch(() => {});
      }
      this.#parts.closed();
      return;
    }
    // What comes while it ends is given back as well.
    if (this.#parts.reachable()) await this.#puller?.stop();
    else this.#puller?.abandon();
    for (const sequence of [...this.#held.keys()]) this.again(sequence, 0);
    this.#parts.closed();
  }

  /** The connection broke. */
  lost(): void {
    this.#puller?.abandon();
    this.#puller = undefined;
  }

  /** The engine is there again, or something is wrong: begins again where it stopped. */
  recover(): void {
    if (this.#recovering || this.#ended || !this.#parts.reachable()) return;
    this.#recovering = true;
    this.#goOn().then(
      () => (this.#recovering = false),
      (error: unknown) => {
        this.#parts.logger.debug({ err: error }, 'the history cannot be read yet');
        this.#parts.clock.setTimer(RETRY, () => {
          this.#recovering = false;
          this.recover();
        });
      },
    );
  }

  async #goOn(): Promise<void> {
    const { stream, options, look } = this.#parts;
    this.lost();
    const now = await look();
    if (this.#ended) return;
    if (now?.created !== stream.created) {
      this.#end(
        new SpokeError('STORE_FAILED', `the history of ${options.pattern} has begun anew`, { retryable: true }),
      );
      return;
    }
    try {
      await this.#begin();
    } catch (error) {
      if (this.#parts.consumer === undefined || !isNotFound(error)) throw error;
      this.#removed();
      return;
    }
    for (const [reply, answer] of this.#late.splice(0)) this.#parts.connection.publish(reply, answer);
    this.#prolong(0);
  }

  async #begin(): Promise<void> {
    const { manager, stream, consumer, connection, clock } = this.#parts;
    const info =
      consumer === undefined
        ? await manager.consumers.add(stream.name, this.#configuration())
        : await manager.consumers.info(stream.name, consumer);
    if (this.#ended) return;
    if (consumer === undefined) this.#began(info);
    this.#before = Math.min(this.#before, info.num_pending);
    if (this.#before === 0) this.#tellCaughtUp();
    const puller = new Puller({
      connection,
      clock,
      stream: stream.name,
      consumer: info.name,
      message: (message) => {
        if (puller === this.#puller) this.#message(message);
      },
      idle: () => this.#tellCaughtUp(),
      broken: (why) => {
        if (puller !== this.#puller) return;
        this.#parts.logger.debug({ stream: stream.name, consumer: info.name }, why);
        this.recover();
      },
    });
    this.#puller = puller;
    if (this.#room > 0) puller.more(this.#room);
  }

  #configuration(): Partial<ConsumerConfig> {
    return {
      filter_subject: this.#parts.filter,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(ABANDONED),
      ...placeToBegin(this.#next === undefined ? this.#parts.options.from : { sequence: this.#next }, this.epoch),
    };
  }

  #began(info: ConsumerInfo): void {
    this.#ephemeral = info.name;
    this.#delivered = 0;
    this.#next = Math.max(this.#next ?? 0, info.delivered.stream_seq + 1);
  }

  #message(message: Msg): void {
    const reply = message.reply ?? '';
    const place = placeOf(reply);
    if (place === undefined) return;
    if (this.#parts.consumer === undefined) this.#log(message, place);
    else this.#given(message, place, reply);
    if (place.pending === 0 || --this.#before <= 0) this.#tellCaughtUp();
  }

  #log({ data }: Msg, place: Place): void {
    if (place.delivered !== this.#delivered + 1) {
      this.recover();
      return;
    }
    this.#delivered++;
    this.#room--;
    this.#next = place.sequence + 1;
    this.#tell(data, place);
  }

  #given({ data }: Msg, place: Place, reply: string): void {
    const { sequence } = place;
    const held = this.#held.get(sequence);
    if (held !== undefined) {
      // Still in work here: it is done when that is done.
      held.reply = reply;
      this.#puller?.more(1);
      return;
    }
    this.#held.set(sequence, { reply, since: this.#parts.clock.monotonic() });
    this.#room--;
    if (this.#ended) this.again(sequence, 0);
    else this.#tell(data, place);
  }

  #tell(data: Uint8Array, { sequence, stored, deliveries }: Place): void {
    this.#parts.options.handler.entry({ data, sequence, stored, deliveries });
  }

  #tellCaughtUp(): void {
    if (this.#caughtUp || this.#ended) return;
    this.#caughtUp = true;
    this.#parts.options.handler.caughtUp();
  }

  #answer(sequence: number, answer: string): void {
    const held = this.#held.get(sequence);
    if (held === undefined) return;
    this.#held.delete(sequence);
    const { connection, reachable } = this.#parts;
    if (reachable() && !connection.isClosed()) connection.publish(held.reply, answer);
    else this.#late.push([held.reply, answer]);
  }

  #renew(): void {
    this.#cancelTimer = this.#parts.clock.setTimer(RENEWAL, () => {
      if (this.#parts.reachable()) this.#prolong(RENEWAL / 2);
      this.#renew();
    });
  }

  /** @param age - milliseconds; what was given or prolonged later need not be. */
  #prolong(age: number): void {
    const { clock, connection } = this.#parts;
    const now = clock.monotonic();
    for (const held of this.#held.values()) {
      if (now - held.since < age) continue;
      held.since = now;
      connection.publish(held.reply, '+WPI');
    }
  }

  // The server says so to all; whoever may not hear it finds out when the consumer stays silent.
  #watchRemoval(): void {
    const { connection, stream, consumer } = this.#parts;
    if (consumer === undefined) return;
    this.#removals = connection.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.DELETED.${stream.name}.${consumer}`, {
      callback: (error) => {
        if (error === null) this.#removed();
      },
    });
  }

  #removed(): void {
    this.#end(new SpokeError('CLOSED', 'this durable was removed'));
  }

  #end(error: SpokeError): void {
    if (this.#ended) return;
    this.#finish();
    this.lost();
    this.#held.clear();
    this.#parts.closed();
    this.#parts.options.handler.ended(error);
  }

  #finish(): void {
    this.#ended = true;
    this.#cancelTimer?.();
    if (!this.#parts.connection.isClosed()) this.#removals?.unsubscribe();
  }
}

/** @param epoch - the history's. */
export function placeToBegin(from: HistoryFrom, epoch: string): Partial<ConsumerConfig> {
  if (from === 'start') return { deliver_policy: DeliverPolicy.All };
  if (from === 'new') return { deliver_policy: DeliverPolicy.New };
  if ('time' in from) {
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.time).toISOString() };
  }
  if ((from.epoch !== undefined && from.epoch !== epoch) || from.sequence < 1)
    return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
}
