// The head of a JSON message: what it says, and the bytes it goes out in again.

import { canonical } from '../../channels/index.js';
import type { Head, HeadFields, Limits } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { excerpt } from '../excerpt.js';
import { asciiText, utf8Bytes, utf8Text } from '../text.js';
import { checkValue, skipSpace, TOO_DEEP } from './checker.js';
import type { TimeReader } from './time.js';

/** A head rewritten for the way out, around the text of its time. */
export interface Rewritten {
  /** From the message's first byte on, up to where the time's number goes. */
  readonly before: Uint8Array;
  /** From there up to the body. */
  readonly after: Uint8Array;
}

/** Immutable, apart from what it remembers of itself. Shared by all messages with this head. */
export class JsonHead implements Head {
  readonly channel: string;
  readonly bounce: boolean;
  readonly persist: boolean;
  /** `undefined`: the head goes out as the bytes it came in, plus a time. */
  readonly rewritten: Rewritten | undefined;
  /** The head as text, when it has members beyond those above. */
  readonly #text: string | undefined;
  #fields: HeadFields | undefined;

  constructor(channel: string, bounce: boolean, persist: boolean, rewritten?: Rewritten, text?: string) {
    this.channel = channel;
    this.bounce = bounce;
    this.persist = persist;
    this.rewritten = rewritten;
    this.#text = text;
  }

  /** Frozen to the bottom: other messages see the same object. */
  fields(): HeadFields {
    return (this.#fields ??= this.#decode());
  }

  #decode(): HeadFields {
    // Without a prototype, `__proto__` is a key like any other.
    const fields: Record<string, unknown> = { __proto__: null };
    if (this.#text === undefined) fields['channel'] = this.channel;
    else {
      const parsed: unknown = JSON.parse(this.#text);
      for (const [key, value] of Object.entries(parsed ?? {})) {
        if (key === 'channel') fields[key] = this.channel;
        else if (key !== 'time' && key !== 'bounce') fields[key] = freeze(value);
      }
    }
    return Object.freeze(fields);
  }
}

// Not recursive: how deep a head nests is up to the limits.
function freeze(value: unknown): unknown {
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    Object.freeze(next);
    for (const key of Object.keys(next)) waiting.push(Reflect.get(next, key));
  }
  return value;
}

/** One member of the head, as positions. `end` is where its value ends. */
interface Member {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly start: number;
  readonly end: number;
}

/** A head that was read from bytes. */
export interface ParsedHead {
  readonly head: JsonHead;
  readonly time: number | undefined;
  /** Where the number of `time` stands; both the position of the closing brace when there is none. */
  readonly timeStart: number;
  readonly timeEnd: number;
}

/** Keys that the peers' decoders break on: never let in, so never passed on. */
const FORBIDDEN = ['self', 'body'];

/**
 * Reads a head that nobody has seen before: `start` to `end` is one valid JSON value. Every layout is taken; of members
 * with one name the last value counts, in the place of the first, as in Python.
 * @throws {SpokeError} `MALFORMED`, `TIME_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseHead(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Limits,
  times: TimeReader,
): ParsedHead {
  if (bytes[start] !== 0x7b) throw malformed('`head` is not an object', bytes, start, end);
  if (end - start > limits.headBytes) {
    throw exceeded('the head is', end - start, 'headBytes', limits.headBytes, 'bytes');
  }

  const members = new Map<string, Member>();
  // Whether the bytes are laid out as the peers write them, so that they can go out as they are.
  let asPeersWrite = true;
  let simple = true;
  let repeated = false;
  let expected = start + 1;
  let pos = skipSpace(bytes, start + 1, end);
  while (bytes[pos] === 0x22) {
    const keyStart = pos;
    const keyEnd = checkValue(bytes, pos, end, 0);
    const colon = skipSpace(bytes, keyEnd, end);
    const valueStart = skipSpace(bytes, colon + 1, end);
    const valueEnd = checkValue(bytes, valueStart, end, limits.bodyDepth);
    if (keyStart !== expected || colon !== keyEnd || valueStart !== colon + 2 || bytes[colon + 1] !== 0x20) {
      asPeersWrite = false;
    }
    const key = stringAt(bytes, keyStart, keyEnd);
    if (FORBIDDEN.includes(key)) {
      throw malformed(`\`head\` has the key \`${key}\`, which no peer can take`, bytes, start, end);
    }
    if (members.has(key)) repeated = true;
    members.set(key, { keyStart, keyEnd, start: valueStart, end: valueEnd });
    if (key !== 'channel' && key !== 'time' && key !== 'bounce') simple = false;
    pos = skipSpace(bytes, valueEnd, end);
    if (bytes[pos] !== 0x2c) {
      if (pos !== valueEnd) asPeersWrite = false;
      break;
    }
    if (pos !== valueEnd || bytes[pos + 1] !== 0x20) asPeersWrite = false;
    expected = pos + 2;
    pos = skipSpace(bytes, pos + 1, end);
  }

  const sent = channelOf(bytes, start, end, members.get('channel'));
  const channel = checkedChannel(sent, limits);
  const time = members.get('time');
  const seconds = time === undefined ? undefined : times.read(bytes, time.start, end);
  if (time !== undefined && (seconds === undefined || !Number.isFinite(seconds))) {
    throw new SpokeError('TIME_INVALID', `\`time\` is not a finite number: ${excerpt(bytes, time.start, time.end)}`, {
      details: { channel },
    });
  }
  const bounce = truth(bytes, members.get('bounce'), true);
  const persist = truth(bytes, members.get('persist'), false);
  const verbatim = asPeersWrite && !repeated && sent === channel && !members.has('bounce');
  const rewritten = verbatim ? undefined : rewrite(bytes, members, sent === channel ? undefined : channel);
  const text = simple ? undefined : utf8Text(bytes, start, end);
  return {
    head: new JsonHead(channel, bounce, persist, rewritten, text),
    time: seconds,
    timeStart: time?.start ?? end - 1,
    timeEnd: time?.end ?? end - 1,
  };
}

function channelOf(bytes: Uint8Array, start: number, end: number, member: Member | undefined): string {
  if (member === undefined) throw malformed('`head` has no `channel`', bytes, start, end);
  if (bytes[member.start] !== 0x22) throw malformed('`channel` is not a string', bytes, start, end);
  return stringAt(bytes, member.start, member.end);
}

function checkedChannel(sent: string, limits: Limits): string {
  if (sent.length > limits.channelLength) {
    throw exceeded('the channel is', sent.length, 'channelLength', limits.channelLength, 'characters');
  }
  const channel = canonical(sent);
  const depth = depthOf(channel);
  if (depth > limits.channelDepth)
    throw exceeded('the channel has', depth, 'channelDepth', limits.channelDepth, 'tokens');
  return channel;
}

/** Tokens of a canonical channel. */
export function depthOf(channel: string): number {
  if (channel === '') return 0;
  let depth = 1;
  for (let at = channel.indexOf('/'); at >= 0; at = channel.indexOf('/', at + 1)) depth++;
  return depth;
}

/** Decodes a checked string, quotes included in the range. */
function stringAt(bytes: Uint8Array, start: number, end: number): string {
  for (let i = start + 1; i < end - 1; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x80 || byte === 0x5c) {
      const text: unknown = JSON.parse(utf8Text(bytes, start, end));
      return typeof text === 'string' ? text : '';
    }
  }
  return asciiText(bytes, start + 1, end - 1);
}

/** Python's `bool(value)`: a peer may well send `1`. */
function truth(bytes: Uint8Array, member: Member | undefined, absent: boolean): boolean {
  if (member === undefined) return absent;
  const value: unknown = JSON.parse(utf8Text(bytes, member.start, member.end));
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Lays a head out as the peers do, its members raw, without `bounce` and with a place for the time. */
function rewrite(bytes: Uint8Array, members: ReadonlyMap<string, Member>, channel: string | undefined): Rewritten {
  // Text, because this happens once per head: UTF-8 was checked, so that decoding and encoding give the same bytes.
  let before: string | undefined;
  let text = '{"head": {';
  let separator = '';
  for (const [key, member] of members) {
    if (key === 'bounce') continue;
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
  return { before: utf8Bytes(before), after: utf8Bytes(`${text}}, "body": `) };
}

export function malformed(what: string, bytes: Uint8Array, start: number, end: number): SpokeError {
  return new SpokeError('MALFORMED', `${what}: ${excerpt(bytes, start, end)}`);
}

/** The error for a negative result of `checkValue`. */
export function invalidValue(
  what: string,
  result: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: Limits,
): SpokeError {
  if (result === TOO_DEEP) {
    return new SpokeError('LIMIT_EXCEEDED', `${what} nests deeper than ${limits.bodyDepth} levels (limits.bodyDepth)`, {
      details: { limit: limits.bodyDepth },
    });
  }
  const at = ~result;
  if (at >= end) return malformed(`${what} ends too early`, bytes, start, end);
  // The excerpt shows what led up to the place.
  return malformed(`${what} is not valid JSON at byte ${at - start}`, bytes, Math.max(start, at - 20), end);
}

function exceeded(what: string, size: number, name: string, limit: number, unit: string): SpokeError {
  return new SpokeError('LIMIT_EXCEEDED', `${what} ${size} ${unit}, more than ${limit} (limits.${name})`, {
    details: { limit },
  });
}
