// The stream that keeps persistent messages, one of each subject, and whether a server can.

import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { DiscardPolicy, JetStreamApiError, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { nanos } from '@nats-io/transport-node';

import type { Logger } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import type { NatsOptions } from './options.js';
import type { Subjects } from './subjects.js';

/** Milliseconds for which the engine knows an id again. */
const ID_MEMORY = 120_000;
const OLDEST = { text: '2.9.0', major: 2, minor: 9 };
// Codes of JetStream's API.
const NOT_FOUND = 10_059;
const OTHER_CONFIGURATION = 10_058;

/** @throws {SpokeError} `UNSUPPORTED`: this server cannot do what a cluster needs. */
export function requireServer(connection: NatsConnection): void {
  const { version = '0.0.0', headers } = connection.info ?? {};
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  if (headers !== true || major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
    const text = `nats-server ${version} cannot join brokers: ${OLDEST.text} or newer is needed`;
    throw new SpokeError('UNSUPPORTED', text, { details: { version } });
  }
}

/** @throws {SpokeError} `UNSUPPORTED`: JetStream is not switched on. */
export async function openJetStream(connection: NatsConnection, timeout: number): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(connection, { timeout });
  } catch (cause) {
    const text = 'JetStream does not answer: start nats-server with --jetstream, and allow it for this account';
    throw new SpokeError('UNSUPPORTED', text, { cause });
  }
}

/** The stream of a cluster, made if it is not there. */
export class KeptStream {
  readonly name: string;
  readonly #subjects: Subjects;
  readonly #options: NatsOptions;
  readonly #logger: Logger;

  constructor(subjects: Subjects, options: NatsOptions, logger: Logger) {
    this.name = `${options.prefix ?? 'spoke'}-kept`;
    this.#subjects = subjects;
    this.#options = options;
    this.#logger = logger;
  }

  /** @throws {SpokeError} `UNSUPPORTED`: it is there, and is something else; or it cannot be made so. */
  async ensure(manager: JetStreamManager): Promise<StreamInfo> {
    const info = (await this.#find(manager)) ?? (await this.#make(manager));
    const { max_msgs_per_subject: each, subjects, num_replicas: replicas } = info.config;
    if (each !== 1 || !subjects.includes(this.#subjects.allKept)) {
      const text = `the stream ${this.name} is not ours: it has to keep one message for each subject of ${this.#subjects.allKept}`;
      throw new SpokeError('UNSUPPORTED', text);
    }
    const wanted = this.#options.replicas;
    if (wanted === undefined || wanted === replicas) return info;
    try {
      const changed = await manager.streams.update(this.name, { num_replicas: wanted });
      this.#logger.info({ stream: this.name, replicas: wanted }, 'the stream has another number of replicas now');
      return changed;
    } catch (cause) {
      throw new SpokeError('UNSUPPORTED', `${wanted} replicas: ${reasonOf(cause)}`, { cause });
    }
  }

  async #find(manager: JetStreamManager): Promise<StreamInfo | undefined> {
    try {
      return await manager.streams.info(this.name);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NOT_FOUND) return undefined;
      throw error;
    }
  }

  async #make(manager: JetStreamManager): Promise<StreamInfo> {
    try {
      return await manager.streams.add({
        name: this.name,
        subjects: [this.#subjects.allKept],
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.Old,
        max_msgs_per_subject: 1,
        storage: this.#options.storage === 'memory' ? StorageType.Memory : StorageType.File,
        num_replicas: this.#options.replicas ?? 1,
        duplicate_window: nanos(ID_MEMORY),
      });
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError)) throw cause;
      // Another broker was quicker, with other options.
      const info = cause.code === OTHER_CONFIGURATION ? await this.#find(manager) : undefined;
      if (info !== undefined) return info;
      throw new SpokeError('UNSUPPORTED', `the stream ${this.name} cannot be made: ${reasonOf(cause)}`, { cause });
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
