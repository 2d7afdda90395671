// Messages that a receiver gets in another codec than the one they came in. The only place where a broker builds a body.

import type { Codec, FrameSink, Limits, MessageReader, MessageView, StoredMessage } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/** Writes a message that came in one codec as a frame of another. */
export class Transcoder {
  readonly #codecs: ReadonlyMap<string, Codec>;
  readonly #limits: Limits;
  // Readers of its own: a session's reader may be in the middle of the message that caused this.
  readonly #readers = new Map<string, MessageReader>();

  constructor(codecs: readonly Codec[], limits: Limits) {
    this.#codecs = new Map(codecs.map((codec) => [codec.name, codec]));
    this.#limits = limits;
  }

  /**
   * @returns the length of the frame, which ends where the sink stands.
   * @throws {SpokeError} `NOT_ENCODABLE` when `to` cannot carry the body.
   */
  live(view: MessageView, time: number, from: Codec, to: Codec, sink: FrameSink, id?: string): number {
    const { channel, persist } = view.head;
    const head = { channel, time, id, fields: view.head.fields(), ...(persist && { persist }) };
    return to.encode(head, from.decodeBody(view), sink);
  }

  /**
   * The body of a kept message.
   * @throws {SpokeError} `UNKNOWN_CODEC`
   */
  body(message: StoredMessage): unknown {
    let body: unknown;
    this.read(message, (view, codec) => (body = codec.decodeBody(view)));
    return body;
  }

  /**
   * A kept message, which is stored as the frame it was first forwarded as.
   * @throws {SpokeError} `NOT_ENCODABLE`; `UNKNOWN_CODEC` when this broker does not have the codec that wrote it.
   */
  stored(message: StoredMessage, to: Codec, sink: FrameSink): number {
    let length = 0;
    this.read(message, (view, from) => (length = this.live(view, message.time, from, to, sink)));
    return length;
  }

  /**
   * Reads a frame of another broker, or one that is kept; only during the call.
   * @param message - of which the channel is for the text of an error.
   * @throws {SpokeError} `UNKNOWN_CODEC`, `MALFORMED`, `LIMIT_EXCEEDED`.
   */
  read(
    message: Pick<StoredMessage, 'channel' | 'codec' | 'frame'>,
    use: (view: MessageView, codec: Codec) => void,
  ): void {
    const from = this.#codecs.get(message.codec);
    if (from === undefined) {
      throw new SpokeError(
        'UNKNOWN_CODEC',
        `${message.channel} is written as ${message.codec}, which this broker lacks`,
      );
    }
    let reader = this.#readers.get(from.name);
    if (reader === undefined) this.#readers.set(from.name, (reader = from.createReader(this.#limits)));
    const { frame } = message;
    // Forwarding added a time, so a message that just fitted may have grown past the limit of the way in.
    const deframer = from.framing.createDeframer(frame.length);
    deframer.push(frame, {
      frame: (bytes, start, end) => {
        if (reader !== undefined) use(reader.read(bytes, start, end), from);
      },
      refused(error) {
        throw error;
      },
    });
  }
}
