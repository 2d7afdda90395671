// JSON in little code, for pages: the host's own parser does the work. A broker's codec (../json) never parses a body; this
// one parses all of it.

import type { ClientCodec, FrameSink, MessageReader, OutgoingHead } from '../../contracts/index.js';
import { membersOf } from '../head-rules.js';
import { NUL_FRAMING } from './framing.js';
import { DecodedView, malformed } from './head.js';
import { put, utf8Bytes } from './put.js';
import { stringify } from './stringify.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * JSON with a NUL after each message. The same values as in the `JsonCodec` for Node. Of the limits only `messageBytes` holds:
 * what a broker lets through is taken.
 */
export class JsonCodec implements ClientCodec<DecodedView> {
  readonly name = 'json';
  readonly framing = NUL_FRAMING;

  createReader(): MessageReader<DecodedView> {
    return { read };
  }

  /** @throws {SpokeError} `NOT_ENCODABLE` */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    const members = Object.fromEntries(membersOf(head).set('time', head.time));
    return put(sink, utf8Bytes(`{"head":${stringify(members)},"body":${stringify(body)}}\0`));
  }

  /** Integers beyond 2^53 are rounded. */
  decodeBody(view: DecodedView): unknown {
    return view.body;
  }
}

function read(bytes: Uint8Array, start: number, end: number): DecodedView {
  let message: unknown;
  try {
    message = JSON.parse(decoder.decode(bytes.subarray(start, end)));
  } catch (error) {
    throw malformed(error);
  }
  const { head, body = null }: { readonly head?: unknown; readonly body?: unknown } = message ?? {};
  return new DecodedView(head, body);
}
