// Persistent messages that outlive the process, the machine's power included.

import { ChannelIndex } from '../../channels/index.js';
import type { MessageStore, StoredMessage } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { checkDataFile } from './data-file.js';
import type { Environment } from './environment.js';
import { dataPath, openEnvironment } from './environment.js';
import { isFull, notOpened, notWritten } from './failures.js';
import type { Release } from './folder.js';
import { lockFolder, makeFolder } from './folder.js';
import type { Changes } from './group-commit.js';
import { GroupCommit } from './group-commit.js';
import type { KeptMessage, Note } from './records.js';
import { messageRecord, noteRecord, RecordReader, SIGNATURE } from './records.js';

/** Milliseconds in which a disk that failed is not tried again. */
const RETRY_AFTER = 1000;

/**
 * A `MessageStore` in a folder, on LMDB. Everything is in memory as well, so that reading waits for no disk; writes are
 * committed and flushed in groups. One broker per folder.
 */
export class LmdbStore implements MessageStore {
  /** As it was given. */
  readonly folder: string;
  readonly #messages = new ChannelIndex<KeptMessage>();
  readonly #notes = new Map<string, Note>();
  readonly #writes = new GroupCommit<KeptMessage | Note>(async (changes) => this.#commit(changes));
  #environment: Environment | undefined;
  #release: Release | undefined;
  #nextPlace = 1;
  #bytes = 0;
  /** The last commit failed so, at that time. */
  #failure: { readonly error: unknown; readonly at: number } | undefined;
  #closed: Promise<void> | undefined;

  /** @param folder - made when it is not there. */
  constructor(folder: string) {
    if (typeof folder !== 'string' || folder === '') throw new TypeError('a store on LMDB needs the path of a folder');
    this.folder = folder;
  }

  get size(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @throws {SpokeError} `STORE_FAILED`: the folder cannot be made or written, another broker uses it, its file is damaged
   *   or no store of spoke, or the package `lmdb` is missing.
   */
  async open(): Promise<void> {
    const { folder } = this;
    try {
      await makeFolder(folder);
      this.#release = await lockFolder(folder);
      checkDataFile(dataPath(folder));
      this.#environment = await openEnvironment(folder);
      await this.#load(this.#environment);
    } catch (error) {
      await this.close();
      throw notOpened(folder, error);
    }
  }

  get(channel: string): StoredMessage | undefined {
    return this.#messages.get(channel);
  }

  put(message: StoredMessage): Promise<void> {
    const before = this.#messages.get(message.channel);
    const place = before?.place ?? this.#nextPlace++;
    const kept = { ...message, place };
    this.#bytes += message.frame.length - (before?.frame.length ?? 0);
    this.#messages.set(message.channel, kept);
    return this.#writes.write(place, kept);
  }

  delete(channel: string): Promise<void> | undefined {
    const before = this.#messages.get(channel);
    if (before === undefined) return undefined;
    this.#bytes -= before.frame.length;
    this.#messages.delete(channel);
    return this.#writes.write(before.place, undefined);
  }

  match(pattern: string): readonly StoredMessage[] {
    return this.#messages.match(pattern);
  }

  note(key: string, value: Uint8Array | undefined): Promise<void> | undefined {
    const before = this.#notes.get(key);
    if (value === undefined) {
      if (before === undefined) return undefined;
      this.#notes.delete(key);
      return this.#writes.write(before.place, undefined);
    }
    const place = before?.place ?? this.#nextPlace++;
    const note = { place, key, value };
    this.#notes.set(key, note);
    return this.#writes.write(place, note);
  }

  *notes(): IterableIterator<readonly [string, Uint8Array]> {
    for (const [key, { value }] of this.#notes) yield [key, value];
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // Whoever wrote what cannot be made durable has been told.
    await this.#writes.settled();
    await this.#environment?.close();
    await this.#release?.();
    this.#messages.clear();
    this.#notes.clear();
    this.#bytes = 0;
  }

  async #load(environment: Environment): Promise<void> {
    const reader = new RecordReader();
    let signed = false;
    for (const { key, value } of environment.records()) {
      const place = placeOf(key);
      if (place === 0) signed = value.equals(SIGNATURE);
      if (!signed) throw this.#foreign();
      if (place === 0) continue;
      const record = reader.read(place, value);
      if (record === undefined) throw this.#damaged(place);
      this.#nextPlace = place + 1;
      if ('key' in record) {
        this.#notes.set(record.key, record);
        continue;
      }
      this.#messages.set(record.channel, record);
      this.#bytes += record.frame.length;
    }
    if (!signed) await environment.commit([[keyOf(0), SIGNATURE]]);
  }

  async #commit(changes: Changes<KeptMessage | Note>): Promise<void> {
    const { folder } = this;
    if (this.#environment === undefined) throw new SpokeError('STORE_FAILED', `the store in ${folder} is not open`);
    const failure = this.#failure;
    // Each attempt writes everything that is owed, and has LMDB complain on the standard error.
    if (failure !== undefined && (performance.now() < failure.at + RETRY_AFTER || isFull(folder))) {
      throw notWritten(folder, failure.error);
    }
    try {
      await this.#environment.commit(records(changes));
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      throw notWritten(folder, error);
    }
  }

  #foreign(): SpokeError {
    const text = `${dataPath(this.folder)} is a database, but no store of spoke; choose another folder`;
    return new SpokeError('STORE_FAILED', text, { details: { folder: this.folder } });
  }

  #damaged(place: number): SpokeError {
    const text = `${dataPath(this.folder)} is damaged (record ${place}); move it away to begin anew, or bring back a copy`;
    return new SpokeError('STORE_FAILED', text, { details: { folder: this.folder } });
  }
}

function* records(changes: Changes<KeptMessage | Note>): Generator<readonly [Buffer, Buffer | undefined]> {
  for (const [place, change] of changes) {
    if (change === undefined) yield [keyOf(place), undefined];
    else yield [keyOf(place), 'key' in change ? noteRecord(change) : messageRecord(change)];
  }
}

// Eight bytes, the first the highest: in the order of the numbers.
function keyOf(place: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(Math.floor(place / 2 ** 32), 0);
  key.writeUInt32BE(place % 2 ** 32, 4);
  return key;
}

function placeOf(key: Buffer): number {
  return key.readUInt32BE(0) * 2 ** 32 + key.readUInt32BE(4);
}
