// Messages out: as the peers write them, `", "` and `": "` between the members of the message and of its head,
// head first, body second. What was received goes out as the bytes it came in.
//
// Hot (test/bench/micro/codec.bench.ts): `forward` copies, and formats nothing but a time it has not just formatted.

import type { FrameSink, OutgoingHead } from '../../contracts/index.js';
import { FORBIDDEN_KEYS, ID_KEY, OWN_KEYS } from '../head-rules.js';
import { utf8Bound, utf8Bytes, writeUtf8 } from '../text.js';
import { BODY_KEY, HEAD_KEY } from './reader.js';
import { notEncodable, stringify } from './stringify.js';
import type { JsonView } from './view.js';
import { copyText, dataOf, KnownText } from './words.js';

const TIME_KEY = ', "time": ';
const NULL = dataOf(utf8Bytes('null'));
/** `}` and NUL, written little-endian. */
const END = 0x007d;

/** A larger one is not held on to. */
const MAX_SCRATCH = 256 * 1024;

export class JsonWriter {
  /** The member for the time formatted last: all messages of one turn have one time. */
  #stamp = new KnownText(`${TIME_KEY}0`);
  #stamped = 0;
  readonly #scratch = new Scratch();
  // The beginning written last: most messages follow one on the same channel.
  #channel = '';
  #beginning = '{"head": {"channel": ""';
  /** The sink's block as it was seen last: one serves hundreds of messages. */
  #block: Uint8Array = new Uint8Array(0);
  #target = dataOf(this.#block);

  forward(view: JsonView, time: number, sink: FrameSink): number {
    const { data, base } = view;
    const stamp = view.time === undefined ? this.#format(time) : undefined;
    if (!view.asPeersWrite || view.head.rewritten !== undefined) return this.#relay(view, stamp, sink);
    // The usual message: its own bytes, with a time in between when it had none.
    const from = base + view.start;
    const to = base + view.bodyEnd;
    const length = to - from + (stamp === undefined ? 0 : stamp.length) + 2;
    let at = sink.reserve(length);
    const target = this.#dataOf(sink.block);
    if (stamp === undefined) at = copyText(data, from, to, target, at);
    else {
      const middle = base + view.headEnd - 1;
      at = copyText(data, from, middle, target, at);
      at = copyText(stamp.data, 0, stamp.length, target, at);
      at = copyText(data, middle, to, target, at);
    }
    target.setUint16(at, END, true);
    sink.commit(length);
    return length;
  }

  /** With an `-id`, as the first member of the head. */
  forwardAs(id: string, view: JsonView, time: number, sink: FrameSink): number {
    const scratch = this.#scratch;
    const length = this.forward(view, time, scratch);
    const source = this.#dataOf(scratch.block);
    const member = utf8Bytes(`${JSON.stringify(ID_KEY)}: ${JSON.stringify(id)}, `);
    const start = sink.reserve(length + member.length);
    const target = dataOf(sink.block);
    let at = copyText(source, 0, HEAD_KEY.length + 1, target, start);
    at = copyText(dataOf(member), 0, member.length, target, at);
    // Up to the NUL, which is no text.
    at = copyText(source, HEAD_KEY.length + 1, length - 1, target, at);
    target.setUint8(at, 0);
    sink.commit(length + member.length);
    return length + member.length;
  }

  /** A message that came in another layout, or whose head changes on the way. */
  #relay(view: JsonView, stamp: KnownText | undefined, sink: FrameSink): number {
    const { data, base, head } = view;
    const { rewritten } = head;
    const headBytes =
      rewritten === undefined ? view.headEnd - view.headStart : rewritten.before.length + rewritten.after.length;
    const timeBytes = stamp === undefined ? view.timeEnd - view.timeStart : stamp.length;
    const bodyBytes = view.bodyEnd - view.bodyStart;
    // A few bytes more than are needed; the sink takes them back.
    const start = sink.reserve(
      HEAD_KEY.length + headBytes + timeBytes + BODY_KEY.length + Math.max(bodyBytes, NULL.byteLength) + 2,
    );
    const target = this.#dataOf(sink.block);
    let at = start;
    if (rewritten !== undefined) {
      at = copyText(rewritten.before.data, 0, rewritten.before.length, target, at);
      at =
        stamp === undefined
          ? copyText(data, base + view.timeStart, base + view.timeEnd, target, at)
          : copyText(stamp.data, TIME_KEY.length, stamp.length, target, at);
      at = copyText(rewritten.after.data, 0, rewritten.after.length, target, at);
    } else {
      at = copyText(HEAD_KEY.data, 0, HEAD_KEY.length, target, at);
      at = copyText(data, base + view.headStart, base + view.headEnd - 1, target, at);
      if (stamp !== undefined) at = copyText(stamp.data, 0, stamp.length, target, at);
      target.setUint8(at++, 0x7d);
      at = copyText(BODY_KEY.data, 0, BODY_KEY.length, target, at);
    }
    at =
      bodyBytes === 0
        ? copyText(NULL, 0, NULL.byteLength, target, at)
        : copyText(data, base + view.bodyStart, base + view.bodyEnd, target, at);
    target.setUint16(at, END, true);
    const length = at + 2 - start;
    sink.commit(length);
    return length;
  }

  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    const text = `${this.#begin(head.channel)}${otherMembers(head)}}, "body": ${stringify(body)}}\0`;
    const start = sink.reserve(utf8Bound(text));
    const length = writeUtf8(text, sink.block, start);
    sink.commit(length);
    return length;
  }

  /** The text up to the channel. */
  #begin(channel: string): string {
    if (channel !== this.#channel) {
      if (typeof channel !== 'string') throw new TypeError('head.channel must be a string');
      this.#beginning = `{"head": {"channel": ${JSON.stringify(channel)}`;
      this.#channel = channel;
    }
    return this.#beginning;
  }

  #format(time: number): KnownText {
    if (time === this.#stamped) return this.#stamp;
    if (!Number.isFinite(time)) throw new TypeError(`time must be a finite number, not ${time}`);
    this.#stamp = new KnownText(`${TIME_KEY}${time}`);
    this.#stamped = time;
    return this.#stamp;
  }

  #dataOf(block: Uint8Array): DataView {
    if (block !== this.#block) {
      this.#block = block;
      this.#target = dataOf(block);
    }
    return this.#target;
  }
}

/** Holds one frame for a moment. */
class Scratch implements FrameSink {
  block: Uint8Array = new Uint8Array(0);

  reserve(bytes: number): number {
    if (bytes > this.block.length || this.block.length > MAX_SCRATCH) this.block = new Uint8Array(bytes + bytes);
    return 0;
  }

  commit(): void {}
}

/** Time last, where all brokers put it. */
function otherMembers({ persist, bounce, fields, time }: OutgoingHead): string {
  let text = persist === true ? ', "persist": true' : '';
  if (bounce === false) text += ', "bounce": false';
  if (fields !== undefined) {
    for (const [key, value] of Object.entries(fields)) {
      if (OWN_KEYS.has(key) || value === undefined) continue;
      if (FORBIDDEN_KEYS.has(key)) throw notEncodable(`no peer can take the head key \`${key}\``);
      text += `, ${JSON.stringify(key)}: ${stringify(value)}`;
    }
  }
  if (time !== undefined) {
    if (!Number.isFinite(time)) throw new TypeError(`head.time must be a finite number, not ${time}`);
    text += `, "time": ${time}`;
  }
  return text;
}
