// Msgpack in little code, for pages: without msgpackr, which would be half of what they load.

import type { Codec, FrameSink, Limits, MessageReader, MessageView, OutgoingHead } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { exceeded, ID_KEY, membersOf } from '../head-rules.js';
import { LENGTH_FRAMING } from './framing.js';
import { DecodedView, decoded, malformed, notEncodable } from './head.js';
import { MsgpackDecoder } from './msgpack-decoder.js';
import { MsgpackEncoder } from './msgpack-encoder.js';
import { put } from './put.js';

/**
 * Msgpack with a length before each message. The same values, limits and refusals as in the `MsgpackCodec` for Node,
 * except that the key `__proto__` arrives as it was sent.
 */
export class MsgpackCodec implements Codec {
  readonly name = 'msgpack';
  readonly framing = LENGTH_FRAMING;

  recognizes(first: Uint8Array): boolean | undefined {
    return first.length === 0 ? undefined : first[0] === 0;
  }

  createReader(limits: Limits): MessageReader {
    return { read: (bytes, start, end) => read(bytes.subarray(start, end), limits) };
  }

  forward(view: MessageView, time: number, sink: FrameSink, id?: string): number {
    const { head, bytes, bodyStart, bodyEnd, time: sent = time } = decoded(view);
    const members = new Map(Object.entries(head.fields()));
    if (id !== undefined) members.set(ID_KEY, id);
    return write(members, sent, bytes.subarray(bodyStart, bodyEnd), sink);
  }

  /** @throws {SpokeError} `NOT_ENCODABLE` */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    if (typeof body === 'function' || typeof body === 'symbol') throw notEncodable(`a ${typeof body} is no value`);
    const encoder = new MsgpackEncoder();
    try {
      encoder.value(body);
    } catch (error) {
      throw notEncodable(error);
    }
    return write(membersOf(head), head.time, encoder.bytes, sink);
  }

  decodeBody(view: MessageView): unknown {
    return decoded(view).body;
  }
}

function write(
  members: ReadonlyMap<string, unknown>,
  time: number | undefined,
  body: Uint8Array,
  sink: FrameSink,
): number {
  const head = new MsgpackEncoder();
  head.map(members.size + (time === undefined ? 0 : 1));
  for (const [key, value] of members) {
    head.value(key);
    head.value(value);
  }
  if (time !== undefined) {
    head.value('time');
    head.float(time);
  }
  const { bytes } = head;
  const length = 2 + bytes.length + body.length;
  if (bytes.length > 0xffff || length >= 2 ** 24) throw notEncodable('the head or the message is too long');
  return put(
    sink,
    Uint8Array.of(0, length >>> 16, length >>> 8, length, bytes.length >>> 8, bytes.length),
    bytes,
    body,
  );
}

function read(bytes: Uint8Array, limits: Limits): DecodedView {
  try {
    const decoder = new MsgpackDecoder(bytes, limits.bodyDepth);
    const length = decoder.unsigned(2);
    if (length > limits.headBytes) throw exceeded('the head has', length, 'headBytes', limits.headBytes, 'bytes');
    const head = decoder.value();
    const bodyStart = decoder.position;
    const body = decoder.value();
    if (bodyStart !== 2 + length || decoder.position !== bytes.length) throw malformed('other lengths than announced');
    return new DecodedView(head, limits, body, bytes, bodyStart, bytes.length);
  } catch (error) {
    throw error instanceof SpokeError ? error : malformed(error);
  }
}
