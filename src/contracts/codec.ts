// A codec turns messages into bytes. A broker routes on the head alone, so a codec reads the head, checks the body
// without building it, and passes it on as the bytes it came in.

import type { Framing } from './framing.js';
import type { Limits } from './limits.js';

/** Other keys of a head, decoded. Has no prototype: a peer may send `__proto__` as a key. */
export type HeadFields = Readonly<Record<string, unknown>>;

/**
 * What is known of a message apart from its time, its id and its body. Immutable, and the same object may serve many messages:
 * heads repeat, and codecs remember them.
 */
export interface Head {
  /** Canonical (`docs/protocol.md#channels`). */
  readonly channel: string;
  /** `false`: not back to the connection it came from. */
  readonly bounce: boolean;
  /** `true`: kept as the last value of its channel. */
  readonly persist: boolean;
  /** All keys as they were sent, but `channel` canonical, and without `time`, `bounce` and `-id`. */
  fields(): HeadFields;
}

/** One message as read, without its body. **Readers use one object again and again**: it is valid until the next `read`. */
export interface HeadView {
  readonly head: Head;
  /** Seconds since the epoch; `undefined` when the message has none. Always finite. */
  readonly time: number | undefined;
}

/** One message as read, with its bytes: they are as short-lived as the chunk they came in. */
export interface MessageView extends HeadView {
  /** `-id`, when it is a text: the same for every copy of one message (docs/protocol.md#message-identity). */
  readonly id: string | undefined;
  readonly bytes: Uint8Array;
  /** The encoded body within `bytes`; an absent body is an empty range, and means `null`. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** Reads the payloads of one stream. */
export interface MessageReader<V extends HeadView = MessageView> {
  /**
   * Checks the whole payload and reads its head.
   * @throws {SpokeError} `MALFORMED` (not this codec's format, no usable head or channel, a key no peer can take),
   *   `TIME_INVALID` (`time` is not a finite number), `LIMIT_EXCEEDED`. The reader stays usable.
   */
  read(bytes: Uint8Array, start: number, end: number): V;
}

/** Where frames are written: consecutive ranges of big blocks that are never written twice. */
export interface FrameSink {
  /** The block at hand; valid until the next `reserve`. */
  readonly block: Uint8Array;
  /** Makes room for `bytes` bytes in one block and returns where in `block` they start. */
  reserve(bytes: number): number;
  /** Says how many of the reserved bytes were written. */
  commit(bytes: number): void;
}

/** What a client publishes: values, not bytes. */
export interface OutgoingHead {
  readonly channel: string;
  readonly time?: number | undefined;
  readonly bounce?: boolean;
  readonly persist?: boolean;
  /** `-id`. */
  readonly id?: string | undefined;
  /** Other keys. `channel`, `time`, `bounce` and `persist` are ignored here. */
  readonly fields?: HeadFields;
}

/**
 * A format, as far as a client needs it: pages have codecs that can do no more. Stateless apart from bounded memories; one
 * instance serves a whole process.
 */
export interface ClientCodec<V extends HeadView = HeadView> {
  /** In lower case: `json`, `msgpack`. */
  readonly name: string;
  readonly framing: Framing;

  createReader(limits: Limits): MessageReader<V>;

  /**
   * Writes one complete frame from values. What it writes, readers of this codec take: a message that a broker refuses is
   * lost where its publisher does not see it.
   * @throws {SpokeError} `NOT_ENCODABLE` when head or body have a value outside the codec's domain; nothing is written.
   * @returns the length of the frame; it ends where the sink now stands.
   */
  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number;

  /** Builds the body of a view that this codec's reader returned. The result shares no memory with the view. */
  decodeBody(view: V): unknown;
}

/**
 * A format, as brokers need it: they pass bodies on as bytes. A codec of the user's own is one class and one binding;
 * `spoke/testing` has the suite.
 */
export interface Codec extends ClientCodec<MessageView> {
  /**
   * Whether a stream that begins with these bytes is this codec's; `undefined`: more bytes are needed to tell.
   * A broker asks its codecs in turn, so that one port serves all.
   */
  recognizes(first: Uint8Array): boolean | undefined;

  /**
   * Writes one complete frame, framing included, for a message that this codec's reader returned: head without
   * `bounce` and `-id`, body as the bytes it came in. `time` is written when the view has none.
   * @param id - written as `-id`: for receivers that asked for it.
   * @param group - written as `-group`, whatever the head had there: for a member of a group.
   * @throws {SpokeError} `NOT_ENCODABLE` when the head cannot be written with it; nothing is written.
   * @returns the length of the frame; it ends where the sink now stands.
   */
  forward(view: MessageView, time: number, sink: FrameSink, id?: string, group?: string): number;

  /**
   * Writes one complete frame with another head, for a message that this codec's reader returned: the body as the bytes
   * it came in.
   * @throws {SpokeError} `NOT_ENCODABLE` when the head cannot be written; nothing is written.
   */
  forwardWith(head: OutgoingHead, view: MessageView, sink: FrameSink): number;
}
