// The format of the existing network: JSON text, ended by a zero byte (docs/protocol.md#framing, #message).

import type { Codec, FrameSink, Limits, MessageReader, MessageView, OutgoingHead } from '../../contracts/index.js';
import { NulFraming } from '../framing/nul.js';
import { utf8Text } from '../text.js';
import { HeadMemo } from './memo.js';
import { JsonReader } from './reader.js';
import { beginsAsJson } from './recognition.js';
import { JsonView } from './view.js';
import { JsonWriter } from './writer.js';

/**
 * JSON with a NUL after each message.
 *
 * What a body may be: everything `JSON.stringify` takes and bigints; see `encode`. Between peers a body crosses byte for
 * byte, so numbers that JavaScript cannot hold (`12345678901234567890`, `1.0`) arrive as they were sent; only
 * `decodeBody`, in a JavaScript client, rounds integers beyond 2^53.
 *
 * `limits.bodyDepth` holds for heads as well. `forward` and `decodeBody` take views of this codec's readers only.
 */
export class JsonCodec implements Codec {
  readonly name = 'json';
  readonly framing = new NulFraming();
  /** What was taken under some limits need not be within others. */
  readonly #memos = new WeakMap<Limits, HeadMemo>();
  readonly #writer = new JsonWriter();

  recognizes(first: Uint8Array): boolean | undefined {
    return beginsAsJson(first);
  }

  createReader(limits: Limits): MessageReader {
    let memo = this.#memos.get(limits);
    if (memo === undefined) this.#memos.set(limits, (memo = new HeadMemo()));
    return new JsonReader(limits, memo);
  }

  /**
   * The members of the head go out in their order and as the bytes they came in, apart from a channel that was not
   * canonical, `bounce` and `-id`.
   */
  forward(view: MessageView, time: number, sink: FrameSink, id?: string, group?: string): number {
    if (group !== undefined) return this.#writer.forwardTo(group, own(view), time, sink, id);
    if (id !== undefined) return this.#writer.forwardAs(id, own(view), time, sink);
    return this.#writer.forward(own(view), time, sink);
  }

  forwardWith(head: OutgoingHead, view: MessageView, sink: FrameSink): number {
    return this.#writer.forwardWith(head, own(view), sink);
  }

  /**
   * By the rules of `JSON.stringify`: undefined members are dropped, `NaN` is null, a `Date` is its ISO text. Beyond
   * that, an undefined body is null and a bigint is an integer of any size.
   * @throws {SpokeError} `NOT_ENCODABLE`: a function or a symbol as the body, a cycle, nesting
   *   too deep for the stack, an error in a `toJSON`, a head key `self` or `body`.
   */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    return this.#writer.encode(head, body, sink);
  }

  /** `__proto__` as a key is an own property like any other. Integers beyond 2^53 are rounded. */
  decodeBody(view: MessageView): unknown {
    if (view.bodyStart === view.bodyEnd) return null;
    const value: unknown = JSON.parse(utf8Text(view.bytes, view.bodyStart, view.bodyEnd));
    return value;
  }
}

function own(view: MessageView): JsonView {
  if (view instanceof JsonView) return view;
  throw new TypeError('JsonCodec.forward takes views of its own readers only');
}
