// Payloads in, views out. Two ways through: one for what begins like a message that was seen before, which is nearly
// every message; and one for everything that is valid JSON. The second is the definition; the first only ever returns what
// the second would.

import type { Limits, MessageReader } from '../../contracts/index.js';
import { utf8Text } from '../text.js';
import { checkString, checkValue, skipSpace } from './checker.js';
import { idBefore, idEnd } from './id.js';
import type { ParsedHead } from './head-parser.js';
import { parseHead } from './head-parser.js';
import type { HeadMemo, MemoSlot } from './memo.js';
import { hashStart } from './memo.js';
import { invalidValue, malformed } from './refusals.js';
import { TimeReader } from './time.js';
import { JsonView } from './view.js';
import { dataOf, KnownText } from './words.js';

/** Before a head and between head and body, as the peers write it. */
export const HEAD_KEY = new KnownText('{"head": ');
export const BODY_KEY = new KnownText(', "body": ');

/** The largest buffer that a reader holds on to between two turns. */
const MAX_HELD_BYTES = 256 * 1024;

export class JsonReader implements MessageReader {
  readonly #limits: Limits;
  readonly #memo: HeadMemo;
  readonly #times = new TimeReader();
  readonly #view = new JsonView();
  /** The beginning of the previous message: most often this one's too. */
  #last: MemoSlot | undefined;
  /** Of the message at hand. */
  #hash = 0;
  /** Where it goes on after an id that is its first member, else where it begins. In its DataView. */
  #rest = 0;

  constructor(limits: Limits, memo: HeadMemo) {
    this.#limits = limits;
    this.#memo = memo;
  }

  read(bytes: Uint8Array, start: number, end: number): JsonView {
    const view = this.#view;
    if (view.bytes !== bytes) this.#open(bytes);
    const { data, base } = view;
    view.start = start;
    this.#hash = 0;
    let known = this.#last;
    let body = -1;
    if (known !== undefined) {
      this.#rest = known.identified ? idEnd(data, base + start, base + end) : base + start;
      body = this.#match(known, data, base + start, base + end);
    }
    if (body < 0) {
      this.#rest = idEnd(data, base + start, base + end);
      this.#hash = hashStart(bytes, data, base, this.#rest - base, end);
      known = this.#memo.candidate(this.#hash);
      if (known === undefined) return this.#readAny(bytes, start, end);
      body = this.#match(known, data, base + start, base + end);
      if (body < 0) return this.#readAny(bytes, start, end);
      this.#last = known;
    }
    if (known === undefined) return this.#readAny(bytes, start, end);
    const bodyEnd = checkValue(data, body, base + end, this.#limits.bodyDepth);
    if (bodyEnd !== base + end - 1 || data.getUint8(bodyEnd) !== 0x7d) {
      // Malformed, or blanks or other members after the body.
      return this.#readAny(bytes, start, end);
    }
    view.head = known.head;
    view.id = known.identified ? idBefore(bytes, start, this.#rest - base) : undefined;
    view.headStart = start + known.headOffset;
    view.headEnd = body - base - known.bodyGap;
    view.bodyStart = body - base;
    view.bodyEnd = bodyEnd - base;
    view.asPeersWrite = known.asPeersWrite;
    return view;
  }

  /** A new chunk. Asking one for its buffer costs 30 ns, making a DataView 60: neither is done for each message. */
  #open(bytes: Uint8Array): void {
    const view = this.#view;
    view.bytes = bytes;
    view.base = bytes.byteOffset;
    // Many chunks are read into one buffer.
    if (view.data.buffer !== bytes.buffer) view.data = new DataView(bytes.buffer);
    // What a big message was put together in must not live as long as its connection. Chunks are dead by then.
    if (bytes.buffer.byteLength > MAX_HELD_BYTES) queueMicrotask(this.#letGo);
  }

  readonly #letGo = (): void => {
    const view = this.#view;
    if (view.data.byteLength > MAX_HELD_BYTES) view.clear();
  };

  /**
   * Whether a message that begins at `start` goes on like this after its id, if it has one; then its time is in the view.
   * No JSON value is the beginning of another one that goes on with the same bytes, so equal bytes up to the body are the
   * same head, and an equal beginning, a number and an equal rest are too.
   * @returns where the body begins, or -1.
   */
  #match(known: MemoSlot, data: DataView, start: number, end: number): number {
    const pos = this.#rest;
    if (known.replaced || known.identified !== (pos !== start)) return -1;
    const memo = this.#memo;
    const view = this.#view;
    const gap = memo.gap(known, data, pos, end);
    if (known.after === 0 || gap < 0) {
      view.time = undefined;
      return gap;
    }
    const time = this.#times.read(data, gap, end);
    if (!Number.isFinite(time)) return -1;
    const timeEnd = this.#times.end;
    const body = memo.body(known, data, timeEnd, end);
    // A number may be as long as it likes.
    if (body - known.bodyGap - start - known.headOffset > this.#limits.headBytes) return -1;
    view.time = time;
    view.timeStart = gap - view.base;
    view.timeEnd = timeEnd - view.base;
    return body;
  }

  /** Any layout: members in any order, blanks anywhere, escaped or repeated keys, no body. */
  #readAny(bytes: Uint8Array, start: number, end: number): JsonView {
    const limits = this.#limits;
    // With the positions of `bytes`.
    const data = this.#view.base === 0 ? this.#view.data : dataOf(bytes);
    let pos = skipSpace(data, start, end);
    if (pos >= end) throw malformed('the message is empty', bytes, start, end);
    if (data.getUint8(pos) !== 0x7b) throw malformed('the message is not an object', bytes, start, end);
    let headStart = -1;
    let headEnd = -1;
    let bodyStart = -1;
    let bodyEnd = -1;
    pos = skipSpace(data, pos + 1, end);
    if (pos < end && data.getUint8(pos) === 0x7d) throw malformed('the message has no `head`', bytes, start, end);
    for (;;) {
      const keyStart = pos;
      pos = checkString(data, pos, end);
      if (pos < 0) throw invalidValue('the message', pos, bytes, start, end, limits);
      const name = topLevelName(bytes, data, keyStart, pos);
      pos = skipSpace(data, pos, end);
      if (pos >= end || data.getUint8(pos) !== 0x3a) throw invalidValue('the message', ~pos, bytes, start, end, limits);
      const valueStart = skipSpace(data, pos + 1, end);
      pos = checkValue(data, valueStart, end, limits.bodyDepth);
      if (pos < 0) {
        throw invalidValue(name === undefined ? 'the message' : `\`${name}\``, pos, bytes, start, end, limits);
      }
      // Of members with one name the last one counts.
      if (name === 'head') {
        headStart = valueStart;
        headEnd = pos;
      } else if (name === 'body') {
        bodyStart = valueStart;
        bodyEnd = pos;
      }
      pos = skipSpace(data, pos, end);
      if (pos < end && data.getUint8(pos) === 0x7d) break;
      if (pos >= end || data.getUint8(pos) !== 0x2c) throw invalidValue('the message', ~pos, bytes, start, end, limits);
      pos = skipSpace(data, pos + 1, end);
    }
    const rest = skipSpace(data, pos + 1, end);
    if (rest < end) throw malformed('bytes follow the message', bytes, rest, end);
    if (headStart < 0) throw malformed('the message has no `head`', bytes, start, end);
    if (bodyStart < 0) bodyStart = bodyEnd = headEnd;

    const parsed = parseHead(bytes, data, headStart, headEnd, limits, this.#times);
    const view = this.#view;
    view.head = parsed.head;
    view.time = parsed.time;
    view.id = parsed.id;
    view.headStart = headStart;
    view.headEnd = headEnd;
    view.timeStart = parsed.timeStart;
    view.timeEnd = parsed.timeEnd;
    view.bodyStart = bodyStart;
    view.bodyEnd = bodyEnd;
    view.asPeersWrite =
      headStart === start + HEAD_KEY.length &&
      bodyStart === headEnd + BODY_KEY.length &&
      HEAD_KEY.standsAt(data, start, end) &&
      BODY_KEY.standsAt(data, headEnd, end);
    // Whatever comes between, it will be there again when the same bytes are. An id will not: only what follows one that
    // is first, in the head that counts, is remembered.
    const known = this.#rest - view.base;
    const again =
      known === start ? parsed.id === undefined : parsed.head.identified && headStart === start + HEAD_KEY.length;
    if (this.#hash !== 0 && bodyStart > headEnd && again && this.#memo.wants(this.#hash, bodyStart - known)) {
      this.#remember(data, known, parsed);
    }
    return view;
  }

  #remember(data: DataView, rest: number, { head, time, timeStart, timeEnd }: ParsedHead): void {
    const { start, headStart, headEnd, bodyStart, asPeersWrite } = this.#view;
    const timed = time !== undefined;
    this.#last = this.#memo.keep(this.#hash, data, rest, timeEnd, {
      head,
      before: (timed ? timeStart : bodyStart) - rest,
      after: timed ? bodyStart - timeEnd : 0,
      headOffset: headStart - start,
      identified: rest !== start,
      bodyGap: bodyStart - headEnd,
      asPeersWrite,
    });
  }
}

const QUOTED_HEAD = 0x6461_6568; // `head`, read little-endian
const QUOTED_BODY = 0x7964_6f62; // `body`
/** `"\u0068\u0065\u0061\u0064"` is the longest way to write either. */
const LONGEST_KEY = 26;

/** Which of the two members a checked key, quotes included, means; keys may be escaped. */
function topLevelName(bytes: Uint8Array, data: DataView, start: number, end: number): 'head' | 'body' | undefined {
  if (end - start === 6) {
    const name = data.getInt32(start + 1, true);
    return name === QUOTED_HEAD ? 'head' : name === QUOTED_BODY ? 'body' : undefined;
  }
  if (end - start < 6 || end - start > LONGEST_KEY) return undefined;
  const key: unknown = JSON.parse(utf8Text(bytes, start, end));
  return key === 'head' || key === 'body' ? key : undefined;
}
