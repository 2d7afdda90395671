// The head of a msgpack message: what it says, and the bytes it goes out in again.

import { Unpackr } from 'msgpackr';

import { canonical } from '../../channels/index.js';
import type { Head, HeadFields, Limits } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { checkChannel, FORBIDDEN_KEYS, GROUP_KEY, ID_KEY } from '../head-rules.js';
import { utf8Bytes, utf8Text } from '../text.js';
import { sameBytes } from './bytes.js';
import { MsgpackEncoder } from './encoder.js';

import { readFloat } from './number.js';

/** `a4 "time" cb`: the key of the time and the type of its value, a float of 64 bits. */
export const TIME_KEY = Uint8Array.of(0xa4, 0x74, 0x69, 0x6d, 0x65, 0xcb);

/** `a3 "-id"`. */
export const ID_OPENING = Uint8Array.of(0xa3, 0x2d, 0x69, 0x64);

/** `a6 "-group"`. */
const GROUP_OPENING = Uint8Array.of(0xa6, 0x2d, 0x67, 0x72, 0x6f, 0x75, 0x70);

/** The first byte of a map of less than 16 members, less their number. */
const FIXMAP = 0x80;
const MAX_FIXMAP = 15;
/** The same of a text of less than 32 bytes; and of one with a byte for its length. */
const FIXSTR = 0xa0;
const MAX_FIXSTR = 32;
const STR8 = 0xd9;

/** `a7 "channel"`. */
const CHANNEL_KEY = Uint8Array.of(0xa7, 0x63, 0x68, 0x61, 0x6e, 0x6e, 0x65, 0x6c);

// Maps, because an object would not take the key `__proto__`.
const SETTINGS: object = { useRecords: false, mapsAsObjects: false, copyBuffers: true, int64AsType: 'auto' };

const unpackr = new Unpackr(SETTINGS);

/** Immutable, apart from what it remembers of itself. Shared by all messages with this head. */
export class MsgpackHead implements Head {
  readonly channel: string;
  readonly bounce: boolean;
  readonly persist: boolean;
  /** The head as it goes out, up to where the eight bytes of the time are. */
  readonly prefix: Uint8Array;
  readonly #members: ReadonlyMap<string, unknown>;
  #fields: HeadFields | undefined;

  /** @param members - without `time`, `bounce` and `-id`, the channel canonical. */
  constructor(
    members: ReadonlyMap<string, unknown>,
    channel: string,
    bounce: boolean,
    persist: boolean,
    prefix?: Uint8Array,
  ) {
    this.channel = channel;
    this.bounce = bounce;
    this.persist = persist;
    this.#members = members;
    this.prefix = prefix ?? headPrefix(members);
  }

  /** As `prefix`, with an `-id` as its first member. */
  prefixAs(id: string): Uint8Array {
    return this.#prefixWith(ID_OPENING, id) ?? headPrefix(new Map([[ID_KEY, id], ...this.#members]));
  }

  /** As `prefix`, with a `-group` as its first member, instead of the one that it may have. */
  prefixTo(group: string): Uint8Array {
    const known = this.#members.has(GROUP_KEY) ? undefined : this.#prefixWith(GROUP_OPENING, group);
    return known ?? headPrefix(new Map([[GROUP_KEY, group], ...this.#members, [GROUP_KEY, group]]));
  }

  /** `undefined`: it has no short form. */
  #prefixWith(key: Uint8Array, value: string): Uint8Array | undefined {
    const { prefix } = this;
    const [map = 0] = prefix;
    if (map < FIXMAP || map >= FIXMAP + MAX_FIXMAP) return undefined;
    const text = utf8Bytes(value);
    if (text.length > 0xff) return undefined;
    const size = text.length < MAX_FIXSTR ? [FIXSTR | text.length] : [STR8, text.length];
    const opening = key.length + size.length + text.length;
    const bytes = new Uint8Array(1 + opening + prefix.length - 1);
    bytes[0] = map + 1;
    bytes.set(key, 1);
    bytes.set(size, 1 + key.length);
    bytes.set(text, 1 + opening - text.length);
    bytes.set(prefix.subarray(1), 1 + opening);
    return bytes;
  }

  fields(): HeadFields {
    return (this.#fields ??= this.#decode());
  }

  #decode(): HeadFields {
    const fields: Record<string, unknown> = { __proto__: null };
    for (const [key, value] of this.#members) fields[key] = plain(value);
    return Object.freeze(fields);
  }
}

/** A head that was read. */
export interface ParsedHead {
  readonly head: MsgpackHead;
  readonly time: number | undefined;
  readonly id: string | undefined;
  /** Known to have less than 16 members, and no key twice. */
  readonly distinct: boolean;
}

/**
 * Reads a head that nobody has seen before. The range is one well-formed value.
 * @throws {SpokeError} `MALFORMED`, `TIME_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseHead(bytes: Uint8Array, start: number, end: number, limits: Limits): ParsedHead {
  return parseShort(bytes, start, end, limits) ?? parseAny(bytes, start, end, limits);
}

/**
 * A head of a channel, perhaps a group before it and a time after it: those that come once only, which are those of remote
 * calls, have nothing else. `undefined` for any other.
 */
function parseShort(bytes: Uint8Array, start: number, end: number, limits: Limits): ParsedHead | undefined {
  let size = (bytes[start] ?? 0) - FIXMAP;
  if (size < 1 || size > 3) return undefined;
  let at = start + 1;
  let group: string | undefined;
  if (sameBytes(GROUP_OPENING, bytes, at)) {
    const groupAt = at + GROUP_OPENING.length;
    const groupStart = textStart(bytes, groupAt);
    at = textEnd(bytes, groupAt);
    if (at < 0 || at > end) return undefined;
    group = utf8Text(bytes, groupStart, at);
    if (group.includes('\ufffd')) return undefined;
    size--;
  }
  if ((size !== 1 && size !== 2) || !sameBytes(CHANNEL_KEY, bytes, at)) return undefined;
  const channelAt = at + CHANNEL_KEY.length;
  const channelStart = textStart(bytes, channelAt);
  const channelEnd = textEnd(bytes, channelAt);
  const timed = size === 2;
  if (channelEnd < 0 || channelEnd !== (timed ? end - TIME_KEY.length - 8 : end)) return undefined;
  if (timed && !sameBytes(TIME_KEY, bytes, channelEnd)) return undefined;
  const time = timed ? readFloat(bytes, end - 8) : undefined;
  const channel = utf8Text(bytes, channelStart, channelEnd);
  // What was not UTF-8 goes on as what it was taken for.
  if (canonical(channel) !== channel || channel.includes('\ufffd') || (timed && !Number.isFinite(time)))
    return undefined;
  checkChannel(channel, channel, limits);
  const prefix = new Uint8Array(channelEnd - start + TIME_KEY.length);
  prefix.set(bytes.subarray(start, channelEnd));
  prefix[0] = FIXMAP + (group === undefined ? 2 : 3);
  prefix.set(TIME_KEY, channelEnd - start);
  const members = new Map([['channel', channel]]);
  if (group !== undefined) members.set(GROUP_KEY, group);
  const head = new MsgpackHead(members, channel, true, false, prefix);
  return { head, time, id: undefined, distinct: true };
}

// Of a text of less than 256 bytes, by its first: where it begins, and where it ends, -1 when it is another value.
function textStart(bytes: Uint8Array, at: number): number {
  return bytes[at] === STR8 ? at + 2 : at + 1;
}

function textEnd(bytes: Uint8Array, at: number): number {
  const type = bytes[at] ?? 0;
  if (type === STR8) return at + 2 + (bytes[at + 1] ?? 0);
  return type < FIXSTR || type >= FIXSTR + MAX_FIXSTR ? -1 : at + 1 + type - FIXSTR;
}

function parseAny(bytes: Uint8Array, start: number, end: number, limits: Limits): ParsedHead {
  const decoded: unknown = unpackr.unpack(bytes.subarray(start, end));
  if (!(decoded instanceof Map)) throw new SpokeError('MALFORMED', 'the head is not a map');
  const members = new Map<string, unknown>();
  for (const [key, value] of decoded) {
    if (FORBIDDEN_KEYS.has(String(key))) {
      throw new SpokeError('MALFORMED', `the head has the key \`${String(key)}\`, which no peer can take`);
    }
    members.set(String(key), value);
  }
  const sent = members.get('channel');
  if (sent === undefined) throw new SpokeError('MALFORMED', 'the head has no `channel`');
  if (typeof sent !== 'string') throw new SpokeError('MALFORMED', '`channel` is not a text');
  const channel = canonical(sent);
  checkChannel(sent, channel, limits);
  const time = timeOf(members, channel);
  const bounce = truth(members.get('bounce'), true);
  const persist = truth(members.get('persist'), false);
  const id = members.get(ID_KEY);
  members.delete('time');
  members.delete(ID_KEY);
  members.delete('bounce');
  members.set('channel', channel);
  return {
    head: new MsgpackHead(members, channel, bounce, persist),
    time,
    id: typeof id === 'string' ? id : undefined,
    distinct: decoded.size === (bytes[start] ?? 0) - FIXMAP,
  };
}

/** The head up to where the eight bytes of its time are, which it must have. */
function headPrefix(members: ReadonlyMap<string, unknown>): Uint8Array {
  return new MsgpackEncoder().head(members, 0).slice(0, -8);
}

function timeOf(members: ReadonlyMap<string, unknown>, channel: string): number | undefined {
  if (!members.has('time')) return undefined;
  const given = members.get('time');
  const time = typeof given === 'bigint' ? Number(given) : given;
  if (typeof time === 'number' && Number.isFinite(time)) return time;
  throw new SpokeError('TIME_INVALID', `${channel}: \`time\` is not a finite number`, { details: { channel } });
}

/** By Python's rules, as in the JSON of the peers. */
function truth(value: unknown, absent: boolean): boolean {
  if (value === undefined) return absent;
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
  return Boolean(value);
}

/** Maps, which the head may hold nested, as objects without a prototype. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(plain));
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = { __proto__: null };
  for (const [key, member] of value) object[String(key)] = plain(member);
  return Object.freeze(object);
}
