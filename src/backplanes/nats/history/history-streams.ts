// The streams that keep history, one for each pattern: what any broker of the cluster was told to keep. A stream's description has
// its pattern.

import { createHash } from 'node:crypto';

import type { JetStreamManager, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

import { intersects, tokens } from '../../../channels/index.js';
import type { HistoryRule, Logger } from '../../../contracts/index.js';
import { SpokeError } from '../../../contracts/index.js';
import { overlapping } from '../../histories.js';
import type { NatsOptions } from '../options.js';
import type { Subjects } from '../subjects.js';

/** Milliseconds for which the engine knows an id again. */
const ID_MEMORY = 120_000;
/** Of a name, so that a person finds it in a list of streams. */
const SHOWN_LETTERS = 40;

export interface HistoryStream {
  readonly pattern: string;
  /** Of its subjects. */
  readonly id: string;
  /** Of the stream. */
  readonly name: string;
  /** When it was made, as text. */
  readonly created: string;
}

export class HistoryStreams {
  readonly #manager: JetStreamManager;
  readonly #subjects: Subjects;
  readonly #options: NatsOptions;
  readonly #prefix: string;
  readonly #logger: Logger;

  constructor(manager: JetStreamManager, subjects: Subjects, options: NatsOptions, logger: Logger) {
    this.#manager = manager;
    this.#subjects = subjects;
    this.#options = options;
    this.#prefix = `${options.prefix ?? 'spoke'}-history-`;
    this.#logger = logger;
  }

  /**
   * All there are, after making what is missing of the rules.
   * @throws {SpokeError} `UNSUPPORTED`: a rule overlaps with what another broker keeps, or the server cannot keep that.
   */
  async ensure(rules: readonly HistoryRule[]): Promise<{ readonly all: HistoryStream[]; readonly made: boolean }> {
    const all = await this.list();
    let made = false;
    for (const rule of rules) {
      const { pattern } = rule;
      const other = all.find((one) => one.pattern !== pattern && intersects(one.pattern, pattern));
      if (other !== undefined) {
        const text = `${overlapping(pattern, other.pattern)}; the stream ${other.name} is another broker's, or an earlier configuration's`;
        throw new SpokeError('UNSUPPORTED', text);
      }
      const existing = all.find((one) => one.pattern === pattern);
      if (existing === undefined) {
        all.push(await this.#make(rule));
        made = true;
      } else await this.#adjust(existing, rule);
    }
    return { all, made };
  }

  async list(): Promise<HistoryStream[]> {
    const all: HistoryStream[] = [];
    for await (const info of this.#manager.streams.list()) {
      const stream = this.#read(info);
      if (stream !== undefined) all.push(stream);
    }
    return all;
  }

  #read({ config, created }: StreamInfo): HistoryStream | undefined {
    const { name, description = '', subjects } = config;
    if (!name.startsWith(this.#prefix)) return undefined;
    const id = name.slice(this.#prefix.length);
    const pattern = description.startsWith(DESCRIBED) ? description.slice(DESCRIBED.length) : undefined;
    if (pattern === undefined || idOf(pattern) !== id || !subjects.includes(this.#allOf(id))) return undefined;
    return { pattern, id, name, created };
  }

  async #make(rule: HistoryRule): Promise<HistoryStream> {
    const { pattern } = rule;
    const id = idOf(pattern);
    const name = this.#prefix + id;
    try {
      const { created } = await this.#manager.streams.add({
        name,
        description: DESCRIBED + pattern,
        subjects: [this.#allOf(id)],
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.Old,
        storage: this.#options.storage === 'memory' ? StorageType.Memory : StorageType.File,
        num_replicas: this.#options.replicas ?? 1,
        ...limitsOf(rule),
      });
      this.#logger.info({ stream: name, pattern }, 'history is kept from now on');
      return { pattern, id, name, created };
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError)) throw cause;
      // Another broker was quicker, with other limits.
      const other = (await this.list()).find((one) => one.pattern === pattern);
      if (other !== undefined) return other;
      throw new SpokeError('UNSUPPORTED', `history of ${pattern} cannot be kept: ${cause.message}`, { cause });
    }
  }

  async #adjust({ name, pattern }: HistoryStream, rule: HistoryRule): Promise<void> {
    const { config } = await this.#manager.streams.info(name);
    const wanted: Partial<StreamConfig> = {
      ...limitsOf(rule),
      ...(this.#options.replicas !== undefined && { num_replicas: this.#options.replicas }),
    };
    const same = Object.entries(wanted).every(([key, value]) => Reflect.get(config, key) === value);
    if (same) return;
    try {
      await this.#manager.streams.update(name, wanted);
      this.#logger.info({ stream: name, pattern }, 'history has other limits now');
    } catch (cause) {
      if (!(cause instanceof JetStreamApiError)) throw cause;
      throw new SpokeError('UNSUPPORTED', `history of ${pattern} cannot be kept so: ${cause.message}`, { cause });
    }
  }

  #allOf(id: string): string {
    return this.#subjects.recordedMatching(id, '**');
  }
}

const DESCRIBED = 'spoke keeps history of ';

function limitsOf({ maxAge, maxBytes = -1, maxMessages = -1 }: HistoryRule): Partial<StreamConfig> {
  return {
    max_age: maxAge === undefined ? 0 : nanos(maxAge),
    max_bytes: maxBytes,
    max_msgs: maxMessages,
    // The server insists that it is not longer than what is kept.
    duplicate_window: nanos(Math.min(ID_MEMORY, maxAge ?? Infinity)),
  };
}

/** What a person may recognise, and what tells it from all others. */
function idOf(pattern: string): string {
  const shown = tokens(pattern)
    .filter((token) => token !== '*' && token !== '**')
    .join('-')
    .replace(/[^\w-]/g, '_')
    .slice(0, SHOWN_LETTERS);
  const digest = createHash('sha256').update(pattern).digest('hex').slice(0, 12);
  return shown === '' ? digest : `${shown}-${digest}`;
}
