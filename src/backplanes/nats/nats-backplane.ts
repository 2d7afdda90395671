// Joins brokers by NATS: subjects for live messages, a stream of JetStream for what is kept (docs/decisions/023-backplane.md).

import type { JetStreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection, Status, Subscription } from '@nats-io/transport-node';
import { AuthorizationError, connect, createInbox, headers } from '@nats-io/transport-node';

import type {
  Backplane,
  BackplaneHistory,
  BackplaneOptions,
  BackplaneStats,
  Kept,
  KeepOptions,
} from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { PendingKeep } from '../pending-keeps.js';
import { PendingKeeps } from '../pending-keeps.js';
import { widenedToEnd } from '../widened.js';
import { requireHistoryRules } from '../histories.js';
import { readAnswer } from './answer.js';
import { NatsHistory } from './history/nats-history.js';
import type { NatsOptions } from './options.js';
import { connectionOptions, DEFAULT_TIMEOUT, requireNatsOptions, serversShown } from './options.js';
import { StreamReader } from './reader.js';
import { KeptStream, openJetStream, requireServer } from './stream.js';
import { Subjects } from './subjects.js';
import { Throttle } from './throttle.js';

/** A subject may have this many bytes: a server takes lines of 4,096. */
const SUBJECT_BYTES = 2000;
/** Of `max_payload`, for headers and for what brokers write before a frame. */
const OVERHEAD = 2048;
// Milliseconds.
const RETRY = 250;
const UNANSWERED = 2000;
const CLOSE_TIMEOUT = 1000;
const MSG_ID = 'Nats-Msg-Id';
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence';

/** What there is once it was opened. */
interface Parts {
  readonly host: BackplaneOptions;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: KeptStream;
  readonly reader: StreamReader;
  readonly keeps: PendingKeeps;
  readonly throttle: Throttle;
  readonly history: NatsHistory;
  /** Subject below which JetStream answers. */
  readonly answers: string;
  /** Subject below which the server says that a broker is not there. */
  readonly unheard: string;
}

/** Brokers of one `prefix` on the same NATS servers are one network. */
export class NatsBackplane implements Backplane {
  readonly joins = true;
  readonly #options: NatsOptions;
  readonly #subjects: Subjects;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #counters = { sent: 0, received: 0, dropped: 0 };
  readonly #flushes = new Set<() => void>();
  #connection: NatsConnection | undefined;
  #parts: Parts | undefined;
  #created = '';
  #maxBytes = Infinity;
  #engine = 'nats-server';
  #reachable = false;
  #recovering = false;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  /** @throws {TypeError} for an option that makes no sense. */
  constructor(options: NatsOptions = {}) {
    this.#options = requireNatsOptions(options);
    this.#subjects = new Subjects(options.prefix ?? 'spoke');
  }

  get stats(): BackplaneStats {
    const { throttle, keeps, history } = this.#parts ?? {};
    return {
      kind: 'nats',
      engine: this.#engine,
      reachable: this.#reachable,
      ...this.#counters,
      pendingBytes: (throttle?.pending ?? 0) + (keeps?.bytes ?? 0) + (history?.pendingBytes ?? 0),
    };
  }

  get history(): BackplaneHistory | undefined {
    return this.#parts?.history;
  }

  async open(host: BackplaneOptions): Promise<void> {
    const { signal } = host;
    signal.throwIfAborted();
    const connection = await this.#connect(host);
    this.#connection = connection;
    signal.throwIfAborted();
    requireServer(connection);
    this.#welcomed(connection);
    const manager = await openJetStream(connection, this.#options.timeout ?? DEFAULT_TIMEOUT);
    const parts = this.#makeParts(host, connection, manager);
    this.#parts = parts;
    this.#listen(parts);
    this.#reachable = true;
    void this.#follow(parts);
    const info = await parts.stream.ensure(manager);
    this.#created = info.created;
    await parts.history.open();
    await parts.reader.start();
    signal.throwIfAborted();
  }

  refuses(channel: string, bytes: number): SpokeError | undefined {
    if (bytes > this.#maxBytes) {
      const text = `${channel}: the NATS server takes messages of ${this.#maxBytes} bytes at most (max_payload)`;
      return new SpokeError('LIMIT_EXCEEDED', text, { details: { channel, limit: this.#maxBytes } });
    }
    // Each letter may become six.
    if (channel.length * 6 <= SUBJECT_BYTES || this.#subjects.live(channel).length <= SUBJECT_BYTES) return undefined;
    const text = `${channel}: as a subject of NATS it is longer than ${SUBJECT_BYTES} bytes`;
    return new SpokeError('LIMIT_EXCEEDED', text, { details: { channel, limit: SUBJECT_BYTES } });
  }

  widened(pattern: string): string {
    return widenedToEnd(pattern);
  }

  subscribe(pattern: string): void {
    const { connection, host } = this.#open;
    const subscription = connection.subscribe(this.#subjects.matching(pattern), {
      callback: (error, message) => {
        if (error !== null) return;
        this.#counters.received++;
        host.handler.message(message.data);
      },
    });
    this.#subscriptions.set(pattern, subscription);
  }

  unsubscribe(pattern: string): void {
    this.#subscriptions.get(pattern)?.unsubscribe();
    this.#subscriptions.delete(pattern);
  }

  async flush(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || !this.#reachable || connection.isClosed()) return;
    let release = (): void => {};
    // It is not answered when the connection breaks.
    const broken = new Promise<void>((resolve) => (release = resolve));
    this.#flushes.add(release);
    await Promise.race([connection.flush().catch(() => {}), broken]);
    this.#flushes.delete(release);
  }

  publish(channel: string, data: Uint8Array): void {
    if (!this.#reachable || !this.#open.throttle.admits(data.length)) {
      this.#counters.dropped++;
      return;
    }
    this.#counters.sent++;
    this.#open.connection.publish(this.#subjects.live(channel), data);
  }

  async keep(channel: string, data: Uint8Array, options: KeepOptions): Promise<Kept> {
    if (this.#closed) throw new SpokeError('CLOSED', 'the backplane is closed');
    const { keeps } = this.#open;
    const kept = keeps.add(channel, data, options);
    this.#watchUnanswered();
    return kept;
  }

  forget(channel: string, revision: number): void {
    const { manager, stream, host } = this.#open;
    const what = { filter: this.#subjects.kept(channel), seq: revision + 1 };
    manager.streams.purge(stream.name, what).catch((error: unknown) => {
      host.logger.debug({ err: error, channel }, 'not forgotten by the engine');
    });
  }

  tell(data: Uint8Array, to?: string): void {
    if (!this.#reachable) return;
    const { connection, throttle, unheard } = this.#open;
    if (!throttle.admits(data.length)) return;
    // The server itself answers for whoever is not there.
    connection.publish(this.#subjects.broker(to), data, to === undefined ? {} : { reply: `${unheard}.${to}` });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer?.();
    const { reader, keeps, history, host } = this.#parts ?? {};
    reader?.stop();
    const connection = this.#connection;
    if (connection !== undefined && !connection.isClosed()) {
      // What is on its way, if that is possible at once.
      if (this.#reachable && keeps !== undefined && history !== undefined && host !== undefined) {
        await inTime(
          Promise.all([history.close(), keeps.idle(), history.idle()]).then(() => this.flush()),
          host,
        );
      }
      this.#reachable = false;
      await connection.close().catch(() => {});
    }
    keeps?.close();
    history?.end();
    this.#releaseFlushes();
  }

  get #open(): Parts {
    if (this.#parts === undefined) throw new TypeError('this backplane is not open');
    return this.#parts;
  }

  #makeParts(host: BackplaneOptions, connection: NatsConnection, manager: JetStreamManager): Parts {
    const { clock, logger, pendingBytes, handler } = host;
    const stream = new KeptStream(this.#subjects, this.#options, logger);
    const reader = new StreamReader({
      connection,
      manager,
      stream: stream.name,
      clock,
      logger,
      read: (subject, data, sequence) => {
        this.#counters.received++;
        handler.kept(this.#subjects.channelOf(subject), data, sequence);
      },
      broken: () => this.#recover(),
    });
    const keeps = new PendingKeeps(
      clock,
      () => pendingBytes,
      (keep) => this.#sendKeep(keep),
    );
    const throttle = new Throttle(connection, pendingBytes);
    const history = new NatsHistory({
      host,
      connection,
      manager,
      subjects: this.#subjects,
      options: this.#options,
      rules: requireHistoryRules(this.#options.history ?? []),
      reachable: () => this.#reachable,
      sent: () => this.#counters.sent++,
    });
    return {
      host,
      connection,
      manager,
      stream,
      reader,
      keeps,
      throttle,
      history,
      answers: createInbox(),
      unheard: createInbox(),
    };
  }

  #listen({ connection, host, answers, unheard }: Parts): void {
    connection.subscribe(`${answers}.*`, { callback: (error, message) => this.#answered(error, message) });
    connection.subscribe(`${unheard}.*`, {
      callback: (error, { subject }) => {
        if (error === null) host.handler.unheard(subject.slice(unheard.length + 1));
      },
    });
    for (const subject of [this.#subjects.broker(undefined), this.#subjects.broker(host.id)]) {
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) host.handler.told(message.data);
        },
      });
    }
  }

  async #connect({ id, signal }: BackplaneOptions): Promise<NatsConnection> {
    try {
      const connecting = connect(connectionOptions(this.#options, `spoke broker ${id}`));
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      return await Promise.race([connecting, aborted]).catch(async (error: unknown) => {
        // Whoever was given up ends when it is there.
        if (signal.aborted) void connecting.then(async (late) => late.close()).catch(() => {});
        throw error;
      });
    } catch (cause) {
      if (signal.aborted || cause instanceof SpokeError) throw cause;
      if (cause instanceof AuthorizationError) {
        const text = `the NATS server does not let this broker in: ${cause.message}`;
        throw new SpokeError('UNAUTHENTICATED', text, { cause });
      }
      const text = `no NATS server can be reached at ${serversShown(this.#options)}`;
      throw new SpokeError('CONNECT_FAILED', text, { cause, retryable: true });
    }
  }

  // Perhaps another server of the cluster than before.
  #welcomed(connection: NatsConnection): void {
    const { version = '', max_payload: bytes = Infinity } = connection.info ?? {};
    this.#engine = `nats-server ${version}`;
    this.#maxBytes = bytes - OVERHEAD;
  }

  // For the life of the connection, which connects again by itself.
  async #follow(parts: Parts): Promise<void> {
    const { logger } = parts.host;
    try {
      for await (const status of parts.connection.status()) this.#status(parts, status);
    } catch (error) {
      logger.error({ err: error }, 'the connection to NATS is not followed any more');
    }
  }

  #status({ host, connection, throttle, reader, keeps, history }: Parts, status: Status): void {
    if (this.#closed) return;
    if (status.type === 'disconnect' && this.#reachable) {
      this.#reachable = false;
      throttle.reset();
      this.#releaseFlushes();
      reader.stop();
      history.lost();
      host.handler.reachable(false);
    } else if (status.type === 'reconnect') {
      this.#reachable = true;
      this.#welcomed(connection);
      host.handler.reachable(true);
      keeps.resend();
      history.recover();
      this.#recover();
    } else if (status.type === 'error') host.logger.error({ err: status.error }, 'the NATS server objects');
  }

  #releaseFlushes(): void {
    for (const resolve of this.#flushes) resolve();
    this.#flushes.clear();
  }

  // The stream is read again, as soon as JetStream is ready.
  #recover(): void {
    if (this.#recovering || this.#closed || !this.#reachable) return;
    this.#recovering = true;
    const { host } = this.#open;
    this.#goOn().then(
      () => (this.#recovering = false),
      (error: unknown) => {
        host.logger.debug({ err: error }, 'the stream cannot be read yet');
        host.clock.setTimer(RETRY, () => {
          this.#recovering = false;
          this.#recover();
        });
      },
    );
  }

  async #goOn(): Promise<void> {
    const { host, manager, reader, stream } = this.#open;
    const { created, state } = await stream.ensure(manager);
    const lost = created !== this.#created || state.last_seq < reader.last;
    if (lost) reader.last = 0;
    this.#created = created;
    await reader.start();
    if (lost) host.handler.emptied();
  }

  #sendKeep({ number, channel, data, id, after }: PendingKeep): void {
    const { connection, answers } = this.#open;
    if (!this.#reachable || connection.isClosed()) return;
    this.#counters.sent++;
    const about = headers();
    about.set(MSG_ID, id);
    if (after !== undefined) about.set(EXPECTED, String(after));
    connection.publish(this.#subjects.kept(channel), data, { reply: `${answers}.${number}`, headers: about });
  }

  #answered(error: Error | null, message: Msg): void {
    if (error !== null) return;
    const { keeps, host, answers } = this.#open;
    const number = Number(message.subject.slice(answers.length + 1));
    const answer = readAnswer(message);
    if (answer === 'again') host.clock.setTimer(RETRY, () => keeps.retry(number));
    else if (answer instanceof SpokeError) keeps.failed(number, answer);
    else keeps.answered(number, answer);
  }

  // A cluster that has just changed its leader may say nothing at all.
  #watchUnanswered(): void {
    if (this.#cancelTimer !== undefined || this.#closed) return;
    const { keeps, host } = this.#open;
    if (keeps.size === 0) return;
    this.#cancelTimer = host.clock.setTimer(UNANSWERED, () => {
      this.#cancelTimer = undefined;
      if (this.#reachable) keeps.resendOlder(UNANSWERED);
      this.#watchUnanswered();
    });
  }
}

async function inTime(promise: Promise<unknown>, { clock }: BackplaneOptions): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => (cancel = clock.setTimer(CLOSE_TIMEOUT, resolve)));
  await Promise.race([promise, late]);
  cancel();
}
