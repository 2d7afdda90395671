// Payloads in, views out: two bytes that say how long the head is, the head, the body. Heads repeat, so a known one is
// found by its bytes and not parsed; the body is checked and left as it is.

import type { Limits, MessageReader } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { checkValue, TOO_DEEP } from './checker.js';
import { parseHead, TIME_KEY } from './head.js';
import type { HeadMemo, KnownHead } from './memo.js';
import { hashBytes, sameBytes } from './memo.js';
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

  /** Puts head and time into the view. */
  #head(bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view;
    // The time is last, and always a float: everything before it is the same from message to message.
    const timeAt = end - TIME_BYTES;
    const timed = timeAt - TIME_KEY.length >= start && sameBytes(TIME_KEY, bytes, timeAt - TIME_KEY.length);
    const keyEnd = timed ? timeAt : end;
    let known = this.#last;
    let hash = 0;
    if (known === undefined || !matches(known, bytes, start, keyEnd, timed)) {
      hash = hashBytes(bytes, start, keyEnd);
      known = this.#memo.candidate(hash);
      if (known === undefined || !matches(known, bytes, start, keyEnd, timed) || !known.within(this.#limits)) {
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
      return;
    }
    const after = checkValue(bytes, start, end, this.#limits.bodyDepth);
    if (after === TOO_DEEP) throw tooDeep('head', this.#limits.bodyDepth);
    if (after !== end) throw malformed('the head is not one value of the domain');
    const parsed = parseHead(bytes, start, end, this.#limits);
    // Only what is laid out as ours is remembered: a time that stands elsewhere would be taken for part of the head.
    if (timed || parsed.time === undefined) {
      this.#last = this.#memo.remember(hash, bytes, start, keyEnd, timed, parsed.head) ?? this.#last;
    }
    view.head = parsed.head;
    view.time = parsed.time;
  }
}

function matches(known: KnownHead, bytes: Uint8Array, start: number, end: number, timed: boolean): boolean {
  return known.timed === timed && known.key.length === end - start && sameBytes(known.key, bytes, start);
}

function malformed(what: string): SpokeError {
  return new SpokeError('MALFORMED', `msgpack: ${what}`);
}

function tooDeep(what: string, limit: number): SpokeError {
  return new SpokeError('LIMIT_EXCEEDED', `the ${what} nests deeper than ${limit} levels (limits.bodyDepth)`, {
    details: { limit },
  });
}
