// Messages out: as the peers write them, `", "` and `": "` between the members of the message and of its head,
// head first, body second. What was received goes out as the bytes it came in.
//
// Hot (test/bench/micro/codec.bench.ts): `forward` copies, and formats nothing but a time it has not just formatted.

import type { FrameSink, OutgoingHead } from '../../contracts/index.js';
import { FORBIDDEN_KEYS, headFor, OWN_KEYS } from '../head-rules.js';
import { utf8Bound, utf8Bytes, writeUtf8 } from '../text.js';
import { GroupOpenings } from './group.js';
import type { Openings } from './id.js';
import { COMMON_OPENING, OpeningWriter, openingWith } from './id.js';
import { BODY_KEY, HEAD_KEY } from './reader.js';
import { notEncodable, stringify } from './stringify.js';
import type { JsonView } from './view.js';
import { copyText, dataOf, KnownText } from './words.js';

const TIME_KEY = ', "time": ';
const NULL = dataOf(utf8Bytes('null'));
/** `}` and NUL, written little-endian. */
const END = 0x007d;

export class JsonWriter {
  /** The member for the time formatted last: all messages of one turn have one time. */
  #stamp = new KnownText(`${TIME_KEY}0`);
  #stamped = 0;
  readonly #openings = new OpeningWriter();
  readonly #groups = new GroupOpenings();
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
    if (id !== view.id || view.time === undefined || !view.asPeersWrite || !view.head.identified) {
      const stamp = view.time === undefined ? this.#format(time) : undefined;
      return this.#relay(view, stamp, sink, this.#openings.prepare(id));
    }
    // Its own id, as it came by another bridge.
    const { data, base } = view;
    const length = view.bodyEnd - view.start + 2;
    let at = sink.reserve(length);
    const target = this.#dataOf(sink.block);
    at = copyText(data, base + view.start, base + view.bodyEnd, target, at);
    target.setUint16(at, END, true);
    sink.commit(length);
    return length;
  }

  /** With a `-group`, as the first member of the head. */
  forwardTo(group: string, view: JsonView, time: number, sink: FrameSink, id: string | undefined): number {
    if (id !== undefined || !view.head.isPlain) {
      return this.forwardWith(headFor(group, view.head, view.time ?? time, id), view, sink);
    }
    const stamp = view.time === undefined ? this.#format(time) : undefined;
    return this.#relay(view, stamp, sink, this.#groups.prepare(group), this.#groups);
  }

  /** With another head. */
  forwardWith(head: OutgoingHead, view: JsonView, sink: FrameSink): number {
    const text = `${this.#opening(head)}${otherMembers(head)}}, "body": `;
    const bodyBytes = Math.max(view.bodyEnd - view.bodyStart, NULL.byteLength);
    const start = sink.reserve(utf8Bound(text) + bodyBytes + 2);
    const length = this.#writeBody(view, sink, start + writeUtf8(text, sink.block, start)) - start;
    sink.commit(length);
    return length;
  }

  /**
   * A message that came in another layout, or whose head changes on the way.
   * @param opening - bytes of the opening that is prepared, instead of what all messages begin with; 0 for none.
   */
  #relay(
    view: JsonView,
    stamp: KnownText | undefined,
    sink: FrameSink,
    opening = 0,
    openings: Openings = this.#openings,
  ): number {
    const { data, base, head } = view;
    const { rewritten } = head;
    const headBytes =
      rewritten === undefined ? view.headEnd - view.headStart : rewritten.before.length + rewritten.after.length;
    const timeBytes = stamp === undefined ? view.timeEnd - view.timeStart : stamp.length;
    const bodyBytes = view.bodyEnd - view.bodyStart;
    // A few bytes more than are needed; the sink takes them back.
    const start = sink.reserve(
      opening + HEAD_KEY.length + headBytes + timeBytes + BODY_KEY.length + Math.max(bodyBytes, NULL.byteLength) + 2,
    );
    const target = this.#dataOf(sink.block);
    let at = start;
    if (opening > 0) at = openings.write(target, at);
    const written = opening > 0 ? COMMON_OPENING : 0;
    if (rewritten !== undefined) {
      at = copyText(rewritten.before.data, written, rewritten.before.length, target, at);
      at =
        stamp === undefined
          ? copyText(data, base + view.timeStart, base + view.timeEnd, target, at)
          : copyText(stamp.data, TIME_KEY.length, stamp.length, target, at);
      at = copyText(rewritten.after.data, 0, rewritten.after.length, target, at);
    } else {
      if (written === 0) at = copyText(HEAD_KEY.data, 0, HEAD_KEY.length, target, at);
      const from = view.headStart + (written === 0 ? 0 : 1);
      at = copyText(data, base + from, base + view.headEnd - 1, target, at);
      if (stamp !== undefined) at = copyText(stamp.data, 0, stamp.length, target, at);
      target.setUint8(at++, 0x7d);
      at = copyText(BODY_KEY.data, 0, BODY_KEY.length, target, at);
    }
    const length = this.#writeBody(view, sink, at) - start;
    sink.commit(length);
    return length;
  }

  /** Writes the body and the end, and returns the position after them. */
  #writeBody({ data, base, bodyStart, bodyEnd }: JsonView, sink: FrameSink, start: number): number {
    const target = this.#dataOf(sink.block);
    const at =
      bodyStart === bodyEnd
        ? copyText(NULL, 0, NULL.byteLength, target, start)
        : copyText(data, base + bodyStart, base + bodyEnd, target, start);
    target.setUint16(at, END, true);
    return at + 2;
  }

  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    const text = `${this.#opening(head)}${otherMembers(head)}}, "body": ${stringify(body)}}\0`;
    const start = sink.reserve(utf8Bound(text));
    const length = writeUtf8(text, sink.block, start);
    sink.commit(length);
    return length;
  }

  #opening({ channel, id }: OutgoingHead): string {
    const text = this.#begin(channel);
    return id === undefined ? text : openingWith(id) + text.slice(COMMON_OPENING);
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
