// Msgpack in little code, for pages: without msgpackr, which would be half of what they load.

import type { ClientCodec, FrameSink, MessageReader, OutgoingHead } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { membersOf } from '../head-rules.js';
import { notEncodable, requireValue } from '../values.js';
import { LENGTH_FRAMING } from './framing.js';
import { DecodedView, malformed } from './head.js';
import { MsgpackDecoder } from './msgpack-decoder.js';
import { MsgpackEncoder } from './msgpack-encoder.js';
import { put } from './put.js';

/**
 * Msgpack with a length before each message. The same values, limits and refusals as in the `MsgpackCodec` for Node,
 * except that the key `__proto__` arrives as it was sent.
 */
export class MsgpackCodec implements ClientCodec<DecodedView> {
  readonly name = 'msgpack';
  readonly framing = LENGTH_FRAMING;

  createReader(): MessageReader<DecodedView> {
    return { read };
  }

  /** @throws {SpokeError} `NOT_ENCODABLE` */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    requireValue(body);
    const packed = written((encoder) => encoder.value(body));
    return write(membersOf(head), head.time, packed, sink);
  }

  decodeBody(view: DecodedView): unknown {
    return view.body;
  }
}

function written(write: (encoder: MsgpackEncoder) => void): Uint8Array {
  const encoder = new MsgpackEncoder();
  try {
    write(encoder);
  } catch (error) {
    throw notEncodable(error);
  }
  return encoder.bytes;
}

function write(
  members: ReadonlyMap<string, unknown>,
  time: number | undefined,
  body: Uint8Array,
  sink: FrameSink,
): number {
  const bytes = written((encoder) => {
    encoder.map(members.size + (time === undefined ? 0 : 1));
    for (const [key, value] of members) {
      encoder.value(key);
      encoder.value(value);
    }
    if (time !== undefined) {
      encoder.value('time');
      encoder.float(time);
    }
  });
  const length = 2 + bytes.length + body.length;
  if (bytes.length > 0xffff || length >= 2 ** 24) throw notEncodable('the head or the message is too long');
  return put(
    sink,
    Uint8Array.of(0, length >>> 16, length >>> 8, length, bytes.length >>> 8, bytes.length),
    bytes,
    body,
  );
}

function read(chunk: Uint8Array, start: number, end: number): DecodedView {
  const decoder = new MsgpackDecoder(chunk.subarray(start, end));
  let head;
  let body;
  try {
    const headEnd = 2 + decoder.unsigned(2);
    head = decoder.value();
    if (decoder.position !== headEnd) throw malformed('the head has another length');
    body = decoder.value();
    if (decoder.position !== end - start) throw malformed('there are bytes behind the body');
  } catch (error) {
    throw error instanceof SpokeError ? error : malformed(error);
  }
  return new DecodedView(head, body);
}
