// History on JetStream (docs/decisions/026-history.md): streams that record, consumers that read.

import { createHash } from 'node:crypto';

import type { JetStreamManager } from '@nats-io/jetstream';
import { AckPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { nanos } from '@nats-io/transport-node';

import type {
  BackplaneHistory,
  BackplaneOptions,
  HistoryDurable,
  HistoryReader,
  HistoryReadOptions,
  HistoryRule,
  Kept,
} from '../../../contracts/index.js';
import { HISTORY_LEASE, HISTORY_UNFINISHED, SpokeError } from '../../../contracts/index.js';
import { Histories } from '../../histories.js';
import type { NatsOptions } from '../options.js';
import type { Subjects } from '../subjects.js';
import { isNotFound, storeFailed } from './errors.js';
import type { HistoryStream } from './history-streams.js';
import { HistoryStreams } from './history-streams.js';
import { NatsReader, placeToBegin } from './nats-reader.js';
import { Writer } from './writer.js';

/** Of a consumer's description. */
const DESCRIPTION_BYTES = 4096;

export interface NatsHistoryParts {
  readonly host: BackplaneOptions;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly subjects: Subjects;
  readonly options: NatsOptions;
  /** Canonical, and none overlaps another. */
  readonly rules: readonly HistoryRule[];
  readonly reachable: () => boolean;
  readonly sent: () => void;
}

/** What stands in the description of a durable's consumer. */
interface Described {
  readonly name: string;
  readonly pattern: string;
}

export class NatsHistory implements BackplaneHistory {
  readonly #parts: NatsHistoryParts;
  readonly #streams: HistoryStreams;
  readonly #histories = new Histories<HistoryStream>();
  readonly #writer: Writer;
  readonly #readers = new Set<NatsReader>();
  #refreshing: Promise<void> | undefined;

  constructor(parts: NatsHistoryParts) {
    this.#parts = parts;
    const { connection, manager, subjects, options, host, reachable, sent } = parts;
    const { clock, logger, pendingBytes } = host;
    this.#streams = new HistoryStreams(manager, subjects, options, logger);
    this.#writer = new Writer({
      connection,
      clock,
      pendingBytes,
      reachable,
      sent,
      subject: (channel) => {
        const history = this.#histories.of(channel);
        return history === undefined ? undefined : subjects.recorded(history.id, channel);
      },
      refused: () => this.#refresh(),
    });
  }

  get patterns(): readonly string[] {
    return this.#histories.patterns;
  }

  get pendingBytes(): number {
    return this.#writer.bytes;
  }

  /** @throws {SpokeError} `UNSUPPORTED` */
  async open(): Promise<void> {
    const { connection, subjects } = this.#parts;
    const news = subjects.broker('history');
    connection.subscribe(news, { callback: () => void this.#refresh() });
    const { all, made } = await this.#streams.ensure(this.#parts.rules);
    this.#histories.set(all);
    // Whoever records has to know.
    if (made) connection.publish(news);
  }

  keeps(channel: string): boolean {
    return this.#histories.of(channel) !== undefined;
  }

  record(channel: string, data: Uint8Array, id: string): Promise<Kept> {
    return this.#writer.record(channel, data, id);
  }

  async read(options: HistoryReadOptions): Promise<HistoryReader> {
    const { pattern, durable } = options;
    const stream = this.#histories.having(pattern);
    this.#requireReachable();
    const { connection, manager, subjects, host, reachable } = this.#parts;
    const { clock, logger } = host;
    const reader = new NatsReader({
      connection,
      manager,
      clock,
      logger,
      stream,
      options,
      filter: subjects.recordedMatching(stream.id, pattern),
      consumer: durable === undefined ? undefined : await this.#durable(stream, durable, options),
      reachable,
      look: () => this.#look(stream.pattern),
      closed: () => this.#readers.delete(reader),
    });
    await reader.start();
    this.#readers.add(reader);
    return reader;
  }

  async durables(): Promise<HistoryDurable[]> {
    this.#requireReachable();
    const durables: HistoryDurable[] = [];
    try {
      for (const { name } of this.#histories.all()) {
        for await (const info of this.#parts.manager.consumers.list(name)) {
          const described = readDescription(info.config.description);
          if (described === undefined) continue;
          durables.push({ ...described, waiting: info.num_pending, unfinished: info.num_ack_pending });
        }
      }
    } catch (error) {
      throw storeFailed('durables cannot be listed', error);
    }
    return durables;
  }

  async remove(name: string): Promise<boolean> {
    this.#requireReachable();
    let removed = false;
    for (const stream of this.#histories.all()) {
      try {
        removed = (await this.#parts.manager.consumers.delete(stream.name, consumerOf(name))) || removed;
      } catch (error) {
        if (!isNotFound(error)) throw storeFailed('the durable cannot be removed', error);
      }
    }
    return removed;
  }

  lost(): void {
    for (const reader of this.#readers) reader.lost();
  }

  /** There is a connection again. */
  recover(): void {
    void this.#refresh().then(() => {
      this.#writer.resend();
      for (const reader of this.#readers) reader.recover();
    });
  }

  /** Resolves when nothing waits to be recorded. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.close()));
  }

  end(): void {
    this.#writer.close();
  }

  #requireReachable(): void {
    if (this.#parts.reachable()) return;
    throw new SpokeError('STORE_FAILED', 'the NATS server is out of reach', { retryable: true });
  }

  // Never rejects.
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#load().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #load(): Promise<void> {
    try {
      const { all } = await this.#streams.ensure(this.#parts.rules);
      this.#histories.set(all);
    } catch (error) {
      this.#parts.host.logger.debug({ err: error }, 'what is kept as history is not known yet');
    }
  }

  async #look(pattern: string): Promise<HistoryStream | undefined> {
    const { all } = await this.#streams.ensure(this.#parts.rules);
    this.#histories.set(all);
    return all.find((one) => one.pattern === pattern);
  }

  /** The name of its consumer, which is made if it is not there. */
  async #durable(stream: HistoryStream, name: string, { pattern, from }: HistoryReadOptions): Promise<string> {
    const { manager, subjects } = this.#parts;
    const consumer = consumerOf(name);
    const description = JSON.stringify({ name, pattern } satisfies Described);
    if (Buffer.byteLength(description) > DESCRIPTION_BYTES) {
      throw new SpokeError('LIMIT_EXCEEDED', "the durable's pattern is too long for JetStream");
    }
    try {
      if (await this.#find(consumer, pattern)) return consumer;
      await manager.consumers.add(stream.name, {
        durable_name: consumer,
        description,
        filter_subject: subjects.recordedMatching(stream.id, pattern),
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(HISTORY_LEASE),
        max_ack_pending: HISTORY_UNFINISHED,
        max_deliver: -1,
        ...placeToBegin(from, stream.created),
      });
    } catch (error) {
      // Another one was quicker, and begins elsewhere.
      if (error instanceof SpokeError || !(await this.#find(consumer, pattern).catch(() => false))) {
        throw storeFailed('the durable cannot be made', error);
      }
    }
    return consumer;
  }

  /** @throws {SpokeError} `DUPLICATE`: it has another pattern. */
  async #find(consumer: string, pattern: string): Promise<boolean> {
    for (const stream of this.#histories.all()) {
      try {
        const { config } = await this.#parts.manager.consumers.info(stream.name, consumer);
        const described = readDescription(config.description);
        if (described?.pattern === pattern) return true;
        throw new SpokeError('DUPLICATE', `this durable has the pattern ${described?.pattern ?? 'of another program'}`);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return false;
  }
}

/** Consumers have short names of few letters. */
function consumerOf(name: string): string {
  return `durable-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
}

function readDescription(description = ''): Described | undefined {
  try {
    const value: unknown = JSON.parse(description);
    if (typeof value !== 'object' || value === null || !('name' in value) || !('pattern' in value)) return undefined;
    const { name, pattern } = value;
    return typeof name === 'string' && typeof pattern === 'string' ? { name, pattern } : undefined;
  } catch {
    return undefined;
  }
}
