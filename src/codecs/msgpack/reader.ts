// Payloads in, views out: two bytes that say how long the head is, the head, the body. Heads repeat, so a known one is
// found by its bytes and not parsed; the body is checked and left as it is.

import type { Limits, MessageReader } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { hashBytes, sameBytes } from './bytes.js';
import { checkValue, TOO_DEEP } from './checker.js';
import { parseHead, TIME_KEY } from './head.js';
import { idBefore, idEnd } from './id.js';
import type { HeadMemo } from './memo.js';
import { KnownHead } from './memo.js';
import { readFloat } from './number.js';
import { MsgpackView } from './view.js';

/** Bytes of the head's length. */
export const HEAD_LENGTH_BYTES = 2;
const TIME_BYTES = 8;

export class MsgpackReader implements MessageReader {
  readonly #limits: Limits;
  readonly #memo: HeadMemo;
  readonly #view = new MsgpackView();
  /** The head of the previous message: most often this one's too. */
  #last: KnownHead | undefined;

  constructor(limits: Limits, memo: HeadMemo) {
    this.#limits = limits;
    this.#memo = memo;
  }

  read(bytes: Uint8Array, start: number, end: number): MsgpackView {
    const headStart = start + HEAD_LENGTH_BYTES;
    if (headStart > end) throw malformed('the message is shorter than the length of its head');
    const headEnd = headStart + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0));
    if (headEnd > end) throw malformed('the head is longer than the message');
    const { headBytes, bodyDepth } = this.#limits;
    if (headEnd - headStart > headBytes) {
      const text = `the head has ${headEnd - headStart} bytes, more than ${headBytes} (limits.headBytes)`;
      throw new SpokeError('LIMIT_EXCEEDED', text, { details: { limit: headBytes } });
    }
    this.#head(bytes, headStart, headEnd);
    this.#checkBody(bytes, headEnd, end, bodyDepth);
    const view = this.#view;
    view.bytes = bytes;
    view.bodyStart = headEnd;
    view.bodyEnd = end;
    return view;
  }

  #checkBody(bytes: Uint8Array, start: number, end: number, maxDepth: number): void {
    const after = checkValue(bytes, start, end, maxDepth);
    if (after === end) return;
    if (after === TOO_DEEP) throw tooDeep('body', maxDepth);
    throw malformed(after < 0 ? 'the body is not one value of the domain' : 'bytes follow the body');
  }

  /** Puts head, time and id into the view. */
  #head(bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view;
    // The time is last, and always a float: everything before it is the same from message to message.
    const timeAt = end - TIME_BYTES;
    const timed = timeAt - TIME_KEY.length >= start && sameBytes(TIME_KEY, bytes, timeAt - TIME_KEY.length);
    const keyEnd = timed ? timeAt : end;
    let known = this.#last;
    let hash = 0;
    // Where it goes on after an id that is its first member, which is different each time; else where it begins.
    let rest = known?.identified === true ? idEnd(bytes, start, keyEnd) : start;
    if (known === undefined || !matches(known, bytes, start, rest, keyEnd, timed)) {
      rest = idEnd(bytes, start, keyEnd);
      hash = hashBytes(bytes, rest, keyEnd);
      known = this.#memo.candidate(hash);
      if (known === undefined || !matches(known, bytes, start, rest, keyEnd, timed) || !known.within(this.#limits)) {
        known = undefined;
      }
    }
    if (known !== undefined) {
      const time = timed ? readFloat(bytes, timeAt) : undefined;
      if (time !== undefined && !Number.isFinite(time)) {
        throw new SpokeError('TIME_INVALID', `${known.head.channel}: \`time\` is not a finite number`);
      }
      this.#last = known;
      view.head = known.head;
      view.time = time;
      view.id = rest === start ? undefined : idBefore(bytes, start, rest);
      return;
    }
    const after = checkValue(bytes, start, end, this.#limits.bodyDepth);
    if (after === TOO_DEEP) throw tooDeep('head', this.#limits.bodyDepth);
    if (after !== end) throw malformed('the head is not one value of the domain');
    const parsed = parseHead(bytes, start, end, this.#limits);
    view.head = parsed.head;
    view.time = parsed.time;
    view.id = parsed.id;
    // Only what is laid out as ours is remembered: a time or an id that stands elsewhere would be taken for part of the head.
    if (!timed && parsed.time !== undefined) return;
    if (rest === start ? parsed.id !== undefined : !parsed.distinct) return;
    const make = () => {
      const key = rest === start ? bytes.slice(start, keyEnd) : withFirst(bytes, start, rest, keyEnd);
      return new KnownHead(parsed.head, key, timed, rest !== start);
    };
    this.#last = this.#memo.remember(hash, keyEnd - rest, make) ?? this.#last;
  }
}

function matches(
  known: KnownHead,
  bytes: Uint8Array,
  start: number,
  rest: number,
  end: number,
  timed: boolean,
): boolean {
  const { key, identified } = known;
  if (known.timed !== timed) return false;
  if (!identified) return rest === start && key.length === end - start && sameBytes(key, bytes, start);
  return rest !== start && key.length === 1 + end - rest && key[0] === bytes[start] && sameBytes(key, bytes, rest, 1);
}

/** The byte at `start`, and those from `rest` on. */
function withFirst(bytes: Uint8Array, start: number, rest: number, end: number): Uint8Array {
  const key = new Uint8Array(1 + end - rest);
  key[0] = bytes[start] ?? 0;
  key.set(bytes.subarray(rest, end), 1);
  return key;
}

function malformed(what: string): SpokeError {
  return new SpokeError('MALFORMED', `msgpack: ${what}`);
}

function tooDeep(what: string, limit: number): SpokeError {
  return new SpokeError('LIMIT_EXCEEDED', `the ${what} nests deeper than ${limit} levels (limits.bodyDepth)`, {
    details: { limit },
  });
}
