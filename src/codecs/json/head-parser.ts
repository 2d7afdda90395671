// Reads a head that nobody has seen before, in whatever layout it comes.

import { canonical } from '../../channels/index.js';
import type { Limits } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { excerpt } from '../excerpt.js';
import { checkChannel, exceeded, FORBIDDEN_KEYS, ID_KEY } from '../head-rules.js';
import { utf8Text } from '../text.js';
import { checkString, checkValue, skipSpace } from './checker.js';
import type { Rewritten } from './head.js';
import { JsonHead } from './head.js';
import { malformed } from './refusals.js';
import type { TimeReader } from './time.js';
import { KnownText } from './words.js';

/** A head that was read from bytes. */
export interface ParsedHead {
  readonly head: JsonHead;
  readonly time: number | undefined;
  readonly id: string | undefined;
  /** The number of `time`; an empty range when there is none. */
  readonly timeStart: number;
  readonly timeEnd: number;
}

/** Positions of one member; `end` is where its value ends. */
interface Member {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly start: number;
  readonly end: number;
}

const CHANNEL_KEY = new KnownText('"channel"');
const CHANNEL_FIRST = new KnownText('{"channel": ');
const GROUP_FIRST = new KnownText('{"-group": ');
const THEN_CHANNEL = new KnownText(', "channel": ');
const THEN_TIME = new KnownText(', "time": ');

/**
 * Reads a head that nobody has seen before: `start` to `end` is one valid JSON value. Every layout is taken; of members
 * with one name the last value counts, in the place of the first, as in Python.
 * @param data - the same range of memory as `bytes`.
 * @throws {SpokeError} `MALFORMED`, `TIME_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseHead(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  limits: Limits,
  times: TimeReader,
): ParsedHead {
  if (data.getUint8(start) !== 0x7b) throw malformed('`head` is not an object', bytes, start, end);
  if (end - start > limits.headBytes)
    throw exceeded('the head is', end - start, 'headBytes', limits.headBytes, 'bytes');
  // Heads that come once only are those of remote calls, and have nothing but a channel and, from a broker, a group and a time.
  return parseShort(bytes, data, start, end, limits, times) ?? parseAny(bytes, data, start, end, limits, times);
}

/**
 * `{"channel": …}` and `{"channel": …, "time": …}` as the peers write them, with a canonical channel, and the same with a
 * `-group` before it; else `undefined`.
 */
function parseShort(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  limits: Limits,
  times: TimeReader,
): ParsedHead | undefined {
  let channelStart = start + CHANNEL_FIRST.length;
  let group: string | undefined;
  if (!CHANNEL_FIRST.standsAt(data, start, end)) {
    if (!GROUP_FIRST.standsAt(data, start, end)) return undefined;
    const groupStart = start + GROUP_FIRST.length;
    const groupEnd = checkString(data, groupStart, end);
    if (groupEnd < 0 || !THEN_CHANNEL.standsAt(data, groupEnd, end)) return undefined;
    group = stringAt(bytes, groupStart, groupEnd);
    channelStart = groupEnd + THEN_CHANNEL.length;
  }
  const channelEnd = checkString(data, channelStart, end);
  let time: number | undefined;
  let timeStart = 0;
  let timeEnd = 0;
  if (channelEnd !== end - 1) {
    if (channelEnd < 0 || !THEN_TIME.standsAt(data, channelEnd, end)) return undefined;
    timeStart = channelEnd + THEN_TIME.length;
    // It ends before the head's brace in any case, and more bytes to look at make it faster.
    time = times.read(data, timeStart, data.byteLength);
    timeEnd = times.end;
    // No number, or more members.
    if (!Number.isFinite(time) || timeEnd !== end - 1) return undefined;
  }
  const channel = stringAt(bytes, channelStart, channelEnd);
  if (canonical(channel) !== channel) return undefined;
  checkChannel(channel, channel, limits);
  const head = new JsonHead(channel, true, false, undefined, undefined, false, group);
  return { head, time, id: undefined, timeStart, timeEnd };
}

function parseAny(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  limits: Limits,
  times: TimeReader,
): ParsedHead {
  const members = new Map<string, Member>();
  const asPeersWrite = readMembers(bytes, data, start, end, members);
  for (const key of members.keys()) {
    if (FORBIDDEN_KEYS.has(key))
      throw malformed(`\`head\` has the key \`${key}\`, which no peer can take`, bytes, start, end);
  }

  const channelMember = members.get('channel');
  if (channelMember === undefined) throw malformed('`head` has no `channel`', bytes, start, end);
  if (data.getUint8(channelMember.start) !== 0x22) throw malformed('`channel` is not a string', bytes, start, end);
  const sent = stringAt(bytes, channelMember.start, channelMember.end);
  const channel = canonical(sent);
  checkChannel(sent, channel, limits);

  const timeMember = members.get('time');
  let time: number | undefined;
  if (timeMember !== undefined) {
    time = times.read(data, timeMember.start, timeMember.end);
    if (!Number.isFinite(time)) {
      const shown = excerpt(bytes, timeMember.start, timeMember.end);
      throw new SpokeError('TIME_INVALID', `\`time\` is not a finite number: ${shown}`, { details: { channel } });
    }
  }
  const bounceMember = members.get('bounce');
  const persistMember = members.get('persist');
  const bounce = bounceMember === undefined || truth(bytes, bounceMember);
  const persist = persistMember !== undefined && truth(bytes, persistMember);
  const idMember = members.get(ID_KEY);
  const isText = idMember !== undefined && data.getUint8(idMember.start) === 0x22;
  const id = isText ? stringAt(bytes, idMember.start, idMember.end) : undefined;
  const verbatimButId = asPeersWrite && sent === channel && bounceMember === undefined;
  const verbatim = verbatimButId && idMember === undefined;
  const rewritten = verbatim ? undefined : rewrite(bytes, members, channel === sent ? undefined : channel);
  const known =
    1 + Number(timeMember !== undefined) + Number(bounceMember !== undefined) + Number(idMember !== undefined);
  const text = members.size === known ? undefined : utf8Text(bytes, start, end);
  const head = new JsonHead(channel, bounce, persist, rewritten, text, verbatimButId && id !== undefined);
  return { head, time, id, timeStart: timeMember?.start ?? 0, timeEnd: timeMember?.end ?? 0 };
}

/**
 * Collects the members of an object that is known to be valid.
 * @returns whether it is laid out as the peers write it, no name repeated, so that it can go out as it is.
 */
function readMembers(
  bytes: Uint8Array,
  data: DataView,
  start: number,
  end: number,
  members: Map<string, Member>,
): boolean {
  let asPeersWrite = true;
  let expected = start + 1;
  let count = 0;
  let pos = skipSpace(data, expected, end);
  while (data.getUint8(pos) === 0x22) {
    const keyStart = pos;
    const keyEnd = checkString(data, pos, end);
    const colon = skipSpace(data, keyEnd, end);
    const valueStart = skipSpace(data, colon + 1, end);
    const valueEnd = checkValue(data, valueStart, end, Infinity);
    const blanks = keyStart === expected && colon === keyEnd && valueStart === colon + 2;
    if (!blanks || data.getUint8(colon + 1) !== 0x20) asPeersWrite = false;
    const isChannel = keyEnd - keyStart === CHANNEL_KEY.length && CHANNEL_KEY.standsAt(data, keyStart, end);
    const key = isChannel ? 'channel' : stringAt(bytes, keyStart, keyEnd);
    members.set(key, { keyStart, keyEnd, start: valueStart, end: valueEnd });
    count++;
    pos = skipSpace(data, valueEnd, end);
    if (pos !== valueEnd) asPeersWrite = false;
    if (data.getUint8(pos) !== 0x2c) break;
    if (data.getUint8(pos + 1) !== 0x20) asPeersWrite = false;
    expected = pos + 2;
    pos = skipSpace(data, pos + 1, end);
  }
  return asPeersWrite && members.size === count;
}

/** Decodes a checked string, quotes included in the range. */
function stringAt(bytes: Uint8Array, start: number, end: number): string {
  const raw = utf8Text(bytes, start + 1, end - 1);
  if (!raw.includes('\\')) return raw;
  const text: unknown = JSON.parse(`"${raw}"`);
  return typeof text === 'string' ? text : raw;
}

/** Python's `bool(value)`: a peer may well send `1`. */
function truth(bytes: Uint8Array, member: Member): boolean {
  const value: unknown = JSON.parse(utf8Text(bytes, member.start, member.end));
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Lays a head out as the peers do, its members raw, without `bounce` and `-id` and with a place for the time. */
function rewrite(bytes: Uint8Array, members: ReadonlyMap<string, Member>, channel: string | undefined): Rewritten {
  // Text, because this happens once per head: UTF-8 was checked, so that decoding and encoding give the same bytes.
  let before: string | undefined;
  let text = '{"head": {';
  let separator = '';
  for (const [key, member] of members) {
    if (key === 'bounce' || key === ID_KEY) continue;
    text += `${separator}${utf8Text(bytes, member.keyStart, member.keyEnd)}: `;
    separator = ', ';
    if (key === 'time') {
      before = text;
      text = '';
    } else if (key === 'channel' && channel !== undefined) text += JSON.stringify(channel);
    else text += utf8Text(bytes, member.start, member.end);
  }
  if (before === undefined) {
    before = `${text}, "time": `; // A head has its channel at least.
    text = '';
  }
  return { before: new KnownText(before), after: new KnownText(`${text}}, "body": `) };
}
