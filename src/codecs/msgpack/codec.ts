// Msgpack with a length before each message (docs/protocol.md#msgpack).

import { Unpackr } from 'msgpackr';

import type { Codec, FrameSink, Limits, MessageReader, MessageView, OutgoingHead } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { LENGTH_BYTES, LengthFraming, MAX_LENGTH } from '../framing/length.js';
import { headFor, membersOf } from '../head-rules.js';
import { MsgpackEncoder } from './encoder.js';
import { HeadMemo } from './memo.js';
import { writeFloat } from './number.js';
import { HEAD_LENGTH_BYTES, MsgpackReader } from './reader.js';
import { MsgpackView } from './view.js';

const TIME_BYTES = 8;
/** Where the head begins in a frame. */
const HEAD_AT = LENGTH_BYTES + HEAD_LENGTH_BYTES;
/** What two bytes can say. */
const MAX_HEAD_LENGTH = 0xffff;
const REMEMBERED_HEADS = 1024;
/** Below this a loop beats `set`, which needs a view of the source. */
const LOOP_BYTES = 64;

const SETTINGS: object = { useRecords: false, copyBuffers: true, int64AsType: 'auto' };

/**
 * Msgpack: shorter than JSON, checked faster, and with binary data, dates and 64-bit integers.
 *
 * A body may hold `null`, booleans, numbers (`NaN` and the infinities too), texts, `Uint8Array`, `Date`, bigints of 64
 * bits, arrays, and objects with text keys. What else it holds becomes one of these, as docs/protocol.md#values tells.
 * Bigints that a number can hold arrive as numbers. A key `__proto__` in a body arrives as `__proto_`.
 */
export class MsgpackCodec implements Codec {
  readonly name = 'msgpack';
  readonly framing = new LengthFraming();
  readonly #memo = new HeadMemo();
  readonly #unpackr = new Unpackr(SETTINGS);
  #encoder: MsgpackEncoder | undefined;
  /** Heads of messages published from here, by channel: most say nothing else. */
  readonly #heads = new Map<string, Uint8Array>();

  /** A zero byte, a head that fits into the frame, and a map at its beginning. */
  recognizes(first: Uint8Array): boolean | undefined {
    if (first.length === 0) return undefined;
    if (first[0] !== 0) return false;
    const [, a = 0, b = 0, c = 0, d = 0, e = 0, map] = first;
    if (map === undefined) return undefined;
    const head = (d << 8) | e;
    return head + HEAD_LENGTH_BYTES <= ((a << 16) | (b << 8) | c) && ((map & 0xf0) === 0x80 || map === 0xde);
  }

  createReader(limits: Limits): MessageReader {
    return new MsgpackReader(limits, this.#memo);
  }

  forward(view: MessageView, time: number, sink: FrameSink, id?: string, group?: string): number {
    if (!(view instanceof MsgpackView)) throw new TypeError('MsgpackCodec.forward takes views of its own readers only');
    if (group !== undefined && id !== undefined) {
      return this.forwardWith(headFor(group, view.head, view.time ?? time, id), view, sink);
    }
    const { head } = view;
    const prefix = group !== undefined ? head.prefixTo(group) : id === undefined ? head.prefix : head.prefixAs(id);
    const { bodyStart, bodyEnd } = view;
    const length = HEAD_AT + prefix.length + TIME_BYTES + bodyEnd - bodyStart;
    let at = sink.reserve(length);
    const target = sink.block;
    at = begin(target, at, length, prefix.length + TIME_BYTES);
    at = copy(prefix, 0, prefix.length, target, at);
    writeFloat(view.time ?? time, target, at);
    at += TIME_BYTES;
    copy(view.bytes, bodyStart, bodyEnd, target, at);
    sink.commit(length);
    return length;
  }

  forwardWith(head: OutgoingHead, view: MessageView, sink: FrameSink): number {
    return this.#write(head, this.#headBytes(head), view.bytes, view.bodyStart, view.bodyEnd, sink);
  }

  /**
   * @throws {SpokeError} `NOT_ENCODABLE`: a function or symbol as the body, a bigint beyond 64 bits, a Map with an object as
   *   a key, a cycle or nesting too deep for the stack, an error in a getter or `toJSON`, a head key `self` or `body`, more
   *   than 16 MiB, or a head of more than 64 KiB.
   */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    const prefix = this.#headBytes(head);
    const packed = this.#pack(body);
    return this.#write(head, prefix, packed, 0, packed.length, sink);
  }

  #write(
    head: OutgoingHead,
    prefix: Uint8Array,
    body: Uint8Array,
    bodyStart: number,
    bodyEnd: number,
    sink: FrameSink,
  ): number {
    const headLength = prefix.length + (head.time === undefined ? 0 : TIME_BYTES);
    if (headLength > MAX_HEAD_LENGTH) {
      throw new SpokeError(
        'NOT_ENCODABLE',
        `a msgpack head has at most ${MAX_HEAD_LENGTH} bytes; this has ${headLength}`,
      );
    }
    const length = HEAD_AT + headLength + bodyEnd - bodyStart;
    if (length - LENGTH_BYTES >= MAX_LENGTH) {
      throw new SpokeError(
        'NOT_ENCODABLE',
        `a msgpack message must stay below ${MAX_LENGTH} bytes; this has ${length}`,
      );
    }
    let at = sink.reserve(length);
    const target = sink.block;
    at = begin(target, at, length, headLength);
    at = copy(prefix, 0, prefix.length, target, at);
    if (head.time !== undefined) {
      writeFloat(head.time, target, at);
      at += TIME_BYTES;
    }
    copy(body, bodyStart, bodyEnd, target, at);
    sink.commit(length);
    return length;
  }

  /** Binary data is copied out of the view. */
  decodeBody(view: MessageView): unknown {
    const { bytes, bodyStart, bodyEnd } = view;
    // A view of its own, because msgpackr leaves a DataView behind on what it is given, and the chunk is not ours.
    const value: unknown = this.#unpackr.unpack(bytes.subarray(bodyStart, bodyEnd));
    return value;
  }

  /** Valid until the next call. */
  #pack(body: unknown): Uint8Array {
    const encoder = this.#takeEncoder();
    try {
      return encoder.body(body);
    } finally {
      this.#encoder = encoder;
    }
  }

  #packHead(head: OutgoingHead): Uint8Array {
    const { time } = head;
    const members = membersOf(head);
    const encoder = this.#takeEncoder();
    try {
      return encoder.head(members, time).slice(0, time === undefined ? undefined : -TIME_BYTES);
    } finally {
      this.#encoder = encoder;
    }
  }

  /** A getter or a `toJSON` may want a message written while one is: then there are two. */
  #takeEncoder(): MsgpackEncoder {
    const encoder = this.#encoder ?? new MsgpackEncoder();
    this.#encoder = undefined;
    return encoder;
  }

  /** Up to the time when there is one, else all of it. */
  #headBytes(head: OutgoingHead): Uint8Array {
    const { channel, time, persist, bounce, fields, id } = head;
    const plain =
      time === undefined && persist !== true && bounce !== false && fields === undefined && id === undefined;
    const known = plain ? this.#heads.get(channel) : undefined;
    if (known !== undefined) return known;
    const bytes = this.#packHead(head);
    if (plain) {
      if (this.#heads.size >= REMEMBERED_HEADS) this.#heads.clear();
      this.#heads.set(channel, bytes);
    }
    return bytes;
  }
}

/** Writes the lengths of frame and head, and returns where the head begins. */
function begin(target: Uint8Array, at: number, frame: number, head: number): number {
  const payload = frame - LENGTH_BYTES;
  target[at] = 0;
  target[at + 1] = payload >>> 16;
  target[at + 2] = payload >>> 8;
  target[at + 3] = payload;
  target[at + 4] = head >>> 8;
  target[at + 5] = head;
  return at + HEAD_AT;
}

function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (end - start <= LOOP_BYTES) for (let i = start; i < end; i++) target[at + i - start] = source[i] ?? 0;
  else target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
  return at + end - start;
}
