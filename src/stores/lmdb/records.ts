// What is written for one message or note. A checksum tells a damaged record from a sound one: LMDB has none.
// Hot when a store is opened: 100,000 records are read in one go (test/bench/micro/store.bench.ts).

import { crc32 } from 'node:zlib';

import type { StoredMessage } from '../../contracts/index.js';

/**
 * Something kept, and its place in the file. Places are given in order and never again, so that the order in which channels
 * were first kept lasts.
 */
export interface KeptMessage extends StoredMessage {
  readonly place: number;
}

/** A few bytes that the broker asked to have remembered. */
export interface Note {
  readonly place: number;
  readonly key: string;
  readonly value: Uint8Array;
}

/** What a store of this kind begins with: the value of its first record. */
export const SIGNATURE = Buffer.from('spoke store, version 1\n');

const MESSAGE = 1;
const NOTE = 2;
/** The text is UTF-16: it has half a surrogate pair, which UTF-8 cannot carry. */
const WIDE = 0x80;

const KIND_AT = 4;
const TIME_AT = 5;
const EXPIRES_AT = 13;
const CODEC_LENGTH_AT = 21;
const CHANNEL_LENGTH_AT = 22;
const MESSAGE_HEAD = 24;
const KEY_LENGTH_AT = 5;
const NOTE_HEAD = 7;

/**
 * `crc(4) kind(1) time(8) expires(8, NaN: never) codec-length(1) channel-length(2) codec channel frame`
 */
export function messageRecord({ place, channel, time, codec, frame, expires = NaN }: KeptMessage): Buffer {
  const name = Buffer.from(codec);
  const text = textBytes(channel);
  const record = Buffer.allocUnsafe(MESSAGE_HEAD + name.length + text.bytes.length + frame.length);
  record[KIND_AT] = MESSAGE | text.flag;
  record.writeDoubleLE(time, TIME_AT);
  record.writeDoubleLE(expires, EXPIRES_AT);
  record[CODEC_LENGTH_AT] = name.length;
  record.writeUInt16LE(text.bytes.length, CHANNEL_LENGTH_AT);
  let at = MESSAGE_HEAD;
  record.set(name, at);
  record.set(text.bytes, (at += name.length));
  record.set(frame, at + text.bytes.length);
  return sealed(place, record);
}

/** `crc(4) kind(1) key-length(2) key value` */
export function noteRecord({ place, key, value }: Note): Buffer {
  const text = textBytes(key);
  const record = Buffer.allocUnsafe(NOTE_HEAD + text.bytes.length + value.length);
  record[KIND_AT] = NOTE | text.flag;
  record.writeUInt16LE(text.bytes.length, KEY_LENGTH_AT);
  record.set(text.bytes, NOTE_HEAD);
  record.set(value, NOTE_HEAD + text.bytes.length);
  return sealed(place, record);
}

/** Reads the records of one store, one after another, and keeps what they hold. */
export class RecordReader {
  readonly #slabs = new Slabs();
  readonly #codecs = new Map<string, string>();

  /**
   * @param record - is written to, and may be used again afterwards.
   * @returns `undefined`: it is none, or damaged.
   */
  read(place: number, record: Buffer): KeptMessage | Note | undefined {
    if (record.length < NOTE_HEAD || record.readUInt32LE(0) !== checksum(place, record)) return undefined;
    const kind = record.readUInt8(KIND_AT);
    const encoding = (kind & WIDE) === 0 ? 'utf8' : 'utf16le';
    if ((kind & ~WIDE) === NOTE) {
      const end = NOTE_HEAD + record.readUInt16LE(KEY_LENGTH_AT);
      return { place, key: record.toString(encoding, NOTE_HEAD, end), value: this.#slabs.copy(record, end) };
    }
    if ((kind & ~WIDE) !== MESSAGE || record.length < MESSAGE_HEAD) return undefined;
    const channelAt = MESSAGE_HEAD + record.readUInt8(CODEC_LENGTH_AT);
    const frameAt = channelAt + record.readUInt16LE(CHANNEL_LENGTH_AT);
    const expires = record.readDoubleLE(EXPIRES_AT);
    const message: KeptMessage = {
      place,
      channel: record.toString(encoding, channelAt, frameAt),
      time: record.readDoubleLE(TIME_AT),
      codec: this.#codec(record, channelAt),
      frame: this.#slabs.copy(record, frameAt),
    };
    return Number.isNaN(expires) ? message : { ...message, expires };
  }

  // One text for all records of a codec, not one each.
  #codec(record: Buffer, end: number): string {
    const name = record.toString('utf8', MESSAGE_HEAD, end);
    const known = this.#codecs.get(name);
    if (known === undefined) this.#codecs.set(name, name);
    return known ?? name;
  }
}

const SLAB_BYTES = 64 * 1024;
/** Larger frames get their own memory, so that the rest of a slab is not lost. */
const SHARED_BYTES = 4 * 1024;

/**
 * Memory for very many small frames: a buffer of its own costs each of them 130 bytes more. A slab lives as long as
 * anything in it, so only what is read at once belongs together.
 */
class Slabs {
  #slab = new Uint8Array(0);
  #used = 0;

  /** A copy of `bytes` from `start` on. */
  copy(bytes: Buffer, start: number): Uint8Array {
    const length = bytes.length - start;
    if (length > SHARED_BYTES) return new Uint8Array(bytes.subarray(start));
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    bytes.copy(this.#slab, at, start);
    this.#used += length;
    return this.#slab.subarray(at, this.#used);
  }
}

function sealed(place: number, record: Buffer): Buffer {
  record.writeUInt32LE(checksum(place, record), 0);
  return record;
}

// With the place: a record that turns up in that of another is damage too. Its own bytes count as zero.
function checksum(place: number, record: Buffer): number {
  record.writeUInt32LE(0, 0);
  return crc32(record, place % 2 ** 32);
}

function textBytes(text: string): { readonly bytes: Buffer; readonly flag: number } {
  const bytes = Buffer.from(text);
  // Half a surrogate pair becomes U+FFFD, which is no other text's code.
  if (!bytes.includes('\ufffd') || bytes.toString() === text) return { bytes, flag: 0 };
  return { bytes: Buffer.from(text, 'utf16le'), flag: WIDE };
}
