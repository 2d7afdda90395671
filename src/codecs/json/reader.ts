// Payloads in, views out. Two ways through: one for the layout that all known peers write, with a head that was seen
// before, which is nearly every message; and one for everything else that is valid JSON. The second is the definition,
// the first only ever returns what the second would.

import type { Limits, MessageReader } from '../../contracts/index.js';
import { utf8Text } from '../text.js';
import { checkString, checkValue, skipSpace } from './checker.js';
import { invalidValue, malformed, parseHead } from './head.js';
import type { HeadMemo, KnownHead } from './memo.js';
import { hashHead, standsAt, withinLimits } from './memo.js';
import { TimeReader } from './time.js';
import { JsonView } from './view.js';

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

const HEAD_KEY = ascii('{"head": ');
const BODY_KEY = ascii(', "body": ');
// Without blanks, as JSON.stringify writes it.
const TIGHT_HEAD_KEY = ascii('{"head":{');
const TIGHT_BODY_KEY = ascii(',"body":');
const QUOTED_HEAD = ascii('"head"');
const QUOTED_BODY = ascii('"body"');

export class JsonReader implements MessageReader {
  readonly #limits: Limits;
  readonly #memo: HeadMemo;
  readonly #times = new TimeReader();
  readonly #view = new JsonView();
  /** The head of the previous message: most often this one's too. */
  #last: KnownHead | undefined;
  /** Hash of the head at hand, when it stands where the peers put it. */
  #hash: number | undefined;

  constructor(limits: Limits, memo: HeadMemo) {
    this.#limits = limits;
    this.#memo = memo;
  }

  read(bytes: Uint8Array, start: number, end: number): JsonView {
    this.#hash = undefined;
    const headStart = afterHeadKey(bytes, start, end);
    if (headStart >= 0) {
      const headEnd = this.#knownHead(bytes, headStart, end);
      if (headEnd >= 0) {
        const adjacent = standsAt(BODY_KEY, bytes, headEnd, end);
        const bodyStart = adjacent
          ? headEnd + BODY_KEY.length
          : standsAt(TIGHT_BODY_KEY, bytes, headEnd, end)
            ? headEnd + TIGHT_BODY_KEY.length
            : -1;
        if (bodyStart >= 0) {
          const bodyEnd = checkValue(bytes, bodyStart, end, this.#limits.bodyDepth);
          if (bodyEnd === end - 1 && bytes[bodyEnd] === 0x7d) {
            const view = this.#view;
            view.bytes = bytes;
            view.headStart = headStart;
            view.headEnd = headEnd;
            view.bodyStart = bodyStart;
            view.bodyEnd = bodyEnd;
            view.adjacent = adjacent;
            return view;
          }
        }
      }
    }
    return this.#readAny(bytes, start, end);
  }

  /**
   * Finds the head at `start` among the known ones and puts it, and its time, into the view.
   * @returns the position after it, or -1.
   */
  #knownHead(bytes: Uint8Array, start: number, end: number): number {
    const last = this.#last;
    if (last !== undefined) {
      const after = this.#match(last, bytes, start, end);
      if (after >= 0) return after;
    }
    const hash = hashHead(bytes, start, end);
    this.#hash = hash;
    const known = this.#memo.candidate(hash);
    if (known === undefined || known === last || !withinLimits(known, this.#limits)) return -1;
    const after = this.#match(known, bytes, start, end);
    if (after >= 0) this.#last = known;
    return after;
  }

  // No head is the beginning of another one, so equal bytes up to the closing brace are the same head, and an equal
  // beginning, a number and an equal rest are too. The size is compared because a time may be as long as it likes.
  #match(known: KnownHead, bytes: Uint8Array, start: number, end: number): number {
    if (!standsAt(known.before, bytes, start, end)) return -1;
    const view = this.#view;
    let after = start + known.before.length;
    if (known.timed) {
      const time = this.#times.read(bytes, after, end);
      const timeEnd = this.#times.end;
      if (!Number.isFinite(time) || !standsAt(known.after, bytes, timeEnd, end)) return -1;
      view.time = time;
      view.timeStart = after;
      view.timeEnd = timeEnd;
      after = timeEnd + known.after.length;
      if (after - start > this.#limits.headBytes) return -1;
    } else view.time = undefined;
    view.head = known.head;
    return after;
  }

  /** Any layout: members in any order, blanks anywhere, escaped or repeated keys, no body. */
  #readAny(bytes: Uint8Array, start: number, end: number): JsonView {
    const limits = this.#limits;
    let pos = skipSpace(bytes, start, end);
    if (pos >= end) throw malformed('the message is empty', bytes, start, end);
    if (bytes[pos] !== 0x7b) throw malformed('the message is not an object', bytes, start, end);
    let headStart = -1;
    let headEnd = -1;
    let bodyStart = -1;
    let bodyEnd = -1;
    pos = skipSpace(bytes, pos + 1, end);
    if (pos < end && bytes[pos] === 0x7d) throw malformed('the message has no `head`', bytes, start, end);
    for (;;) {
      const keyStart = pos;
      if (pos >= end || bytes[pos] !== 0x22) throw invalidValue('the message', ~pos, bytes, start, end, limits);
      pos = checkString(bytes, pos + 1, end);
      if (pos < 0) throw invalidValue('the message', pos, bytes, start, end, limits);
      const name = topLevelName(bytes, keyStart, pos);
      pos = skipSpace(bytes, pos, end);
      if (pos >= end || bytes[pos] !== 0x3a) throw invalidValue('the message', ~pos, bytes, start, end, limits);
      const valueStart = skipSpace(bytes, pos + 1, end);
      pos = checkValue(bytes, valueStart, end, limits.bodyDepth);
      if (pos < 0)
        throw invalidValue(name === undefined ? 'the message' : `\`${name}\``, pos, bytes, start, end, limits);
      // Of members with one name the last one counts.
      if (name === 'head') {
        headStart = valueStart;
        headEnd = pos;
      } else if (name === 'body') {
        bodyStart = valueStart;
        bodyEnd = pos;
      }
      pos = skipSpace(bytes, pos, end);
      if (pos < end && bytes[pos] === 0x7d) break;
      if (pos >= end || bytes[pos] !== 0x2c) throw invalidValue('the message', ~pos, bytes, start, end, limits);
      pos = skipSpace(bytes, pos + 1, end);
    }
    const rest = skipSpace(bytes, pos + 1, end);
    if (rest < end) throw malformed('bytes follow the message', bytes, rest, end);
    if (headStart < 0) throw malformed('the message has no `head`', bytes, start, end);

    const parsed = parseHead(bytes, headStart, headEnd, limits, this.#times);
    if (this.#hash !== undefined && headStart === afterHeadKey(bytes, start, end)) {
      this.#last = this.#memo.remember(this.#hash, bytes, headStart, headEnd, parsed) ?? this.#last;
    }
    const view = this.#view;
    view.head = parsed.head;
    view.time = parsed.time;
    view.bytes = bytes;
    view.headStart = headStart;
    view.headEnd = headEnd;
    view.timeStart = parsed.timeStart;
    view.timeEnd = parsed.timeEnd;
    view.bodyStart = bodyStart < 0 ? headEnd : bodyStart;
    view.bodyEnd = bodyStart < 0 ? headEnd : bodyEnd;
    view.adjacent = bodyStart === headEnd + BODY_KEY.length && standsAt(BODY_KEY, bytes, headEnd, end);
    return view;
  }
}

/** Where the head's value begins when the message begins as peers begin it; -1 otherwise. */
function afterHeadKey(bytes: Uint8Array, start: number, end: number): number {
  if (standsAt(HEAD_KEY, bytes, start, end)) return start + HEAD_KEY.length;
  return standsAt(TIGHT_HEAD_KEY, bytes, start, end) ? start + TIGHT_HEAD_KEY.length - 1 : -1;
}

/** Which of the two members a checked key, quotes included, means; keys may be escaped. */
function topLevelName(bytes: Uint8Array, start: number, end: number): 'head' | 'body' | undefined {
  if (standsAt(QUOTED_HEAD, bytes, start, end)) return 'head';
  if (standsAt(QUOTED_BODY, bytes, start, end)) return 'body';
  // `"\u0068\u0065\u0061\u0064"` is the longest way to write either.
  if (end - start <= QUOTED_HEAD.length || end - start > 26) return undefined;
  const key: unknown = JSON.parse(utf8Text(bytes, start, end));
  return key === 'head' || key === 'body' ? key : undefined;
}
