// JSON in little code, for pages: the host's own parser does the work. A broker's codec (../json) never parses a body; this
// one parses all of it.

import type { Codec, FrameSink, Limits, MessageReader, MessageView, OutgoingHead } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { exceeded, ID_KEY, membersOf } from '../head-rules.js';
import { NUL_FRAMING } from './framing.js';
import { DecodedView, decoded, malformed, tooDeep } from './head.js';
import { put, utf8Bytes } from './put.js';
import { stringify } from './stringify.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const END = utf8Bytes('}\0');

/**
 * JSON with a NUL after each message. The same values, limits and refusals as in the `JsonCodec` for Node.
 */
export class JsonCodec implements Codec {
  readonly name = 'json';
  readonly framing = NUL_FRAMING;

  recognizes(first: Uint8Array): boolean | undefined {
    return first.length === 0 ? undefined : first[0] !== 0;
  }

  createReader(limits: Limits): MessageReader {
    return { read: (bytes, start, end) => read(bytes.subarray(start, end), limits) };
  }

  forward(view: MessageView, time: number, sink: FrameSink, id?: string): number {
    const { head, bytes, bodyStart, bodyEnd, time: sent = time } = decoded(view);
    const body = bodyStart === bodyEnd ? utf8Bytes('null') : bytes.subarray(bodyStart, bodyEnd);
    return put(sink, beginning({ ...head.fields(), [ID_KEY]: id, time: sent }), body, END);
  }

  /** @throws {SpokeError} `NOT_ENCODABLE` */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    return put(
      sink,
      beginning(Object.fromEntries(membersOf(head).set('time', head.time))),
      utf8Bytes(stringify(body)),
      END,
    );
  }

  /** Integers beyond 2^53 are rounded. */
  decodeBody(view: MessageView): unknown {
    return decoded(view).body;
  }
}

function beginning(head: object): Uint8Array {
  // No blank before the body: its range includes blanks.
  return utf8Bytes(`{"head":${stringify(head)},"body":`);
}

function read(bytes: Uint8Array, limits: Limits): DecodedView {
  try {
    const { headBytes, bodyDepth } = limits;
    const { head: headAt, body: bodyAt } = outline(bytes, bodyDepth);
    const message: unknown = JSON.parse(decoder.decode(bytes));
    const members: { readonly head?: unknown; readonly body?: unknown } =
      typeof message === 'object' && message !== null ? message : {};
    const { head, body = null } = members;
    const length = headAt.end - headAt.start;
    if (length > headBytes) throw exceeded('the head has', length, 'headBytes', headBytes, 'bytes');
    return new DecodedView(head, limits, body, bytes, bodyAt.start, bodyAt.end);
  } catch (error) {
    throw error instanceof SpokeError ? error : malformed(error);
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Where head and body are, blanks around them included, and how deep they nest, if this is a message: `JSON.parse` says
 * whether it is.
 */
function outline(bytes: Uint8Array, maxDepth: number) {
  const places = { head: { start: 0, end: 0 }, body: { start: 0, end: 0 } };
  let depth = 0;
  let textStart = 0;
  let textEnd = 0;
  let name: unknown;
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    // A bracket is a brace without one bit.
    const brace = byte | 0x20;
    if (byte === QUOTE) {
      textStart = at;
      while (++at < bytes.length && bytes[at] !== QUOTE) if (bytes[at] === BACKSLASH) at++;
      textEnd = at + 1;
    } else if (byte === COLON && depth === 1) {
      name = JSON.parse(decoder.decode(bytes.subarray(textStart, textEnd)));
      start = at + 1;
    } else if ((byte === COMMA || brace === CLOSING) && depth === 1) {
      if (name === 'head' || name === 'body') places[name] = { start, end: at };
    }
    if (brace === OPENING && ++depth > maxDepth + 1) throw tooDeep(maxDepth);
    if (brace === CLOSING) depth--;
  }
  return places;
}
