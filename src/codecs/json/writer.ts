// Messages out: as the peers write them, `", "` and `": "` between the members of the message and of its head,
// head first, body second. What was received goes out as the bytes it came in.
//
// Hot (test/bench/micro/codec.bench.ts): `forward` copies, and formats nothing but a time it has not just formatted.

import type { FrameSink, OutgoingHead } from '../../contracts/index.js';
import { utf8Bound, utf8Bytes, writeUtf8 } from '../text.js';
import { notEncodable, stringify } from './stringify.js';
import type { JsonView } from './view.js';

const HEAD_KEY = utf8Bytes('{"head": ');
const TIME_KEY = utf8Bytes(', "time": ');
const BODY_KEY = utf8Bytes(', "body": ');
const NULL = utf8Bytes('null');
const RIGHT_BRACE = 0x7d;

/** Set by members of their own in an `OutgoingHead`. */
const OWN_KEYS = new Set(['channel', 'time', 'bounce', 'persist']);
const FORBIDDEN_KEYS = new Set(['self', 'body']);

/** Below this a loop beats `set`, which needs a view of the source. */
const LOOP_BYTES = 64;

/** Copies a range and returns the position after it. */
function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (end - start <= LOOP_BYTES) {
    for (let i = start; i < end; i++) target[at++] = source[i] ?? 0;
    return at;
  }
  target.set(source.subarray(start, end), at);
  return at + end - start;
}

export class JsonWriter {
  /** The number formatted last: all messages of one turn have one time. */
  #stamped = NaN;
  #stamp: Uint8Array = new Uint8Array(0);

  forward(view: JsonView, time: number, sink: FrameSink): number {
    const source = view.bytes;
    const { rewritten } = view.head;
    const stamp = view.time === undefined ? this.#format(time) : undefined;
    const timeBytes = stamp === undefined ? view.timeEnd - view.timeStart : stamp.length + TIME_KEY.length;
    const bodyBytes = view.bodyEnd - view.bodyStart;
    const headBytes =
      rewritten === undefined ? view.headEnd - view.headStart : rewritten.before.length + rewritten.after.length;
    // A few bytes more than are needed; a sink takes them back.
    const start = sink.reserve(HEAD_KEY.length + headBytes + timeBytes + BODY_KEY.length + bodyBytes + NULL.length + 2);
    const target = sink.block;
    let at = start;
    if (rewritten !== undefined) {
      at = copy(rewritten.before, 0, rewritten.before.length, target, at);
      at =
        stamp === undefined
          ? copy(source, view.timeStart, view.timeEnd, target, at)
          : copy(stamp, 0, stamp.length, target, at);
      at = copy(rewritten.after, 0, rewritten.after.length, target, at);
    } else {
      at = copy(HEAD_KEY, 0, HEAD_KEY.length, target, at);
      let rest = view.headStart;
      if (stamp !== undefined) {
        rest = view.headEnd - 1;
        at = copy(source, view.headStart, rest, target, at);
        at = copy(TIME_KEY, 0, TIME_KEY.length, target, at);
        at = copy(stamp, 0, stamp.length, target, at);
      }
      if (view.adjacent) {
        at = copy(source, rest, view.bodyEnd, target, at);
        target[at++] = RIGHT_BRACE;
        target[at++] = 0;
        sink.commit(at - start);
        return at - start;
      }
      at = copy(source, rest, view.headEnd, target, at);
      at = copy(BODY_KEY, 0, BODY_KEY.length, target, at);
    }
    at =
      bodyBytes === 0 ? copy(NULL, 0, NULL.length, target, at) : copy(source, view.bodyStart, view.bodyEnd, target, at);
    target[at++] = RIGHT_BRACE;
    target[at++] = 0;
    sink.commit(at - start);
    return at - start;
  }

  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    const text = `{"head": ${headText(head)}, "body": ${stringify(body)}}\0`;
    const start = sink.reserve(utf8Bound(text));
    const length = writeUtf8(text, sink.block, start);
    sink.commit(length);
    return length;
  }

  #format(time: number): Uint8Array {
    if (time === this.#stamped) return this.#stamp;
    if (!Number.isFinite(time)) throw new TypeError(`time must be a finite number, not ${time}`);
    this.#stamp = utf8Bytes(String(time));
    this.#stamped = time;
    return this.#stamp;
  }
}

/** Time last, where a reader's memory of heads likes it best, and where all brokers put it. */
function headText(head: OutgoingHead): string {
  if (typeof head.channel !== 'string') throw new TypeError('head.channel must be a string');
  let text = `{"channel": ${JSON.stringify(head.channel)}`;
  if (head.persist === true) text += ', "persist": true';
  if (head.bounce === false) text += ', "bounce": false';
  if (head.fields !== undefined) {
    for (const [key, value] of Object.entries(head.fields)) {
      if (OWN_KEYS.has(key) || value === undefined) continue;
      if (FORBIDDEN_KEYS.has(key)) throw notEncodable(`no peer can take the head key \`${key}\``);
      text += `, ${JSON.stringify(key)}: ${stringify(value)}`;
    }
  }
  if (head.time !== undefined) {
    if (!Number.isFinite(head.time)) throw new TypeError(`head.time must be a finite number, not ${head.time}`);
    text += `, "time": ${head.time}`;
  }
  return `${text}}`;
}
