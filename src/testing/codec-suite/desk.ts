// What a test of the suite works with: messages written, cut into chunks, and read again.

import assert from 'node:assert/strict';
import type {
  ClientCodec,
  Codec,
  FrameHandler,
  FrameSink,
  Head,
  HeadFields,
  HeadView,
  Limits,
  MessageReader,
  MessageView,
  OutgoingHead,
  SpokeErrorCode,
} from '../../contracts/index.js';
import { DEFAULT_LIMITS, SpokeError, withDefaults } from '../../contracts/index.js';
import type { Runner } from '../transport-suite.js';

/** A payload that a reader must refuse. */
export interface BadPayload {
  /** Completes "refuses …". */
  readonly what: string;
  /** Without its framing. */
  readonly payload: Uint8Array;
  /** Default `MALFORMED`. */
  readonly code?: SpokeErrorCode;
}

/** A payload that a reader must take, though this codec would write it otherwise. */
export interface OtherLayout {
  /** Completes "takes …". */
  readonly what: string;
  readonly payload: Uint8Array;
  readonly channel: string;
  /** Default `null`. */
  readonly body?: unknown;
  readonly time?: number;
  /** Default `true`. */
  readonly bounce?: boolean;
  /** Default `false`. */
  readonly persist?: boolean;
  /** The other keys of the head. Default none. */
  readonly fields?: HeadFields;
}

/** What the suite is told about a codec of clients. */
export interface ClientCodecSuiteOptions {
  /** Puts a payload into a frame, as a peer would send it. */
  frame(payload: Uint8Array): Uint8Array;
  readonly malformed: readonly BadPayload[];
  readonly layouts?: readonly OtherLayout[];
  /** Bodies beyond the suite's own that must arrive as they were sent. */
  readonly values?: readonly unknown[];
  /** Bodies that the codec must refuse to encode, besides functions, symbols and cycles. */
  readonly notEncodable?: readonly { readonly what: string; readonly body: unknown }[];
}

/** What the suite is told about a codec. */
export interface CodecSuiteOptions extends ClientCodecSuiteOptions {
  /** Payloads that are refused with `LIMIT_EXCEEDED`, by the defaults of the limits. */
  readonly beyondLimits?: readonly BadPayload[];
  /** How streams begin that are not this codec's. */
  readonly foreign: readonly Uint8Array[];
}

/** One message, copied out of its view. */
export interface Message {
  readonly head: Head;
  readonly time: number | undefined;
  readonly body: unknown;
  /** From codecs that leave it as it came. */
  readonly rawBody?: string;
  /** From codecs that tell it. */
  readonly id?: string | undefined;
}

const SPARE = 8;
const UNTOUCHED = 0xa5;

/** Gives out one block for each frame, and checks that nothing is written outside of what was reserved and committed. */
export class StrictSink implements FrameSink {
  block = new Uint8Array(0);
  readonly frames: Uint8Array[] = [];
  #reserved = -1;

  reserve(bytes: number): number {
    this.#reserved = bytes;
    this.block = new Uint8Array(SPARE + bytes + SPARE).fill(UNTOUCHED);
    return SPARE;
  }

  commit(bytes: number): void {
    assert.ok(bytes <= this.#reserved, `committed ${bytes} bytes after reserving ${this.#reserved}`);
    const around = [...this.block.subarray(0, SPARE), ...this.block.subarray(SPARE + this.#reserved)];
    assert.ok(
      around.every((byte) => byte === UNTOUCHED),
      'wrote outside of the reserved bytes',
    );
    this.frames.push(this.block.slice(SPARE, SPARE + bytes));
    this.#reserved = -1;
  }
}

/** Defines one test; the suite's are all synchronous. */
export type Sentence = (sentence: string, run: () => void) => void;

export function sentences(runner: Runner): Sentence {
  return (sentence, run) => {
    runner.it(sentence, () => new Promise<void>((resolve) => resolve(run())));
  };
}

/** What every codec can do. */
export class Desk {
  readonly codec: ClientCodec;
  readonly options: ClientCodecSuiteOptions;

  constructor(codec: ClientCodec, options: ClientCodecSuiteOptions) {
    this.codec = codec;
    this.options = options;
  }

  reader(): MessageReader<HeadView> {
    return this.codec.createReader(DEFAULT_LIMITS);
  }

  /** One frame. */
  encode(head: OutgoingHead, body: unknown): Uint8Array {
    const sink = new StrictSink();
    const length = this.codec.encode(head, body, sink);
    return onlyFrame(sink, length);
  }

  /** Without its framing. */
  payload(head: OutgoingHead, body: unknown): Uint8Array {
    return this.unframe(this.encode(head, body));
  }

  /** The one payload of a frame. */
  unframe(frame: Uint8Array): Uint8Array {
    const payloads: Uint8Array[] = [];
    this.feed([frame], (bytes, start, end) => payloads.push(bytes.slice(start, end)));
    assert.equal(payloads.length, 1, 'a frame holds one payload');
    return payloads[0] ?? new Uint8Array(0);
  }

  /** Hands chunks to a fresh deframer, each in memory that is overwritten afterwards, as transports do. */
  feed(
    chunks: readonly Uint8Array[],
    frame: FrameHandler['frame'],
    maxFrameBytes = DEFAULT_LIMITS.messageBytes,
  ): number {
    const deframer = this.codec.framing.createDeframer(maxFrameBytes);
    const handler: FrameHandler = {
      frame,
      refused: (error) => {
        throw error;
      },
    };
    for (const chunk of chunks) {
      const memory = chunk.slice();
      deframer.push(memory, handler);
      memory.fill(UNTOUCHED);
    }
    return deframer.pendingBytes;
  }

  read(payload: Uint8Array, reader = this.reader()): Message {
    return this.copy(reader.read(payload, 0, payload.length));
  }

  /** All messages of a stream that is cut into these chunks. */
  readAll(chunks: readonly Uint8Array[]): Message[] {
    const reader = this.reader();
    const messages: Message[] = [];
    const pending = this.feed(chunks, (bytes, start, end) => messages.push(this.copy(reader.read(bytes, start, end))));
    assert.equal(pending, 0, 'nothing is held when all frames are complete');
    return messages;
  }

  copy(view: HeadView): Message {
    const { head, time } = view;
    assert.ok(time === undefined || Number.isFinite(time), 'a time is finite');
    return { head, time, body: this.codec.decodeBody(view) };
  }
}

/** And what those can do that brokers speak. */
export class BrokerDesk extends Desk {
  declare readonly options: CodecSuiteOptions;
  readonly #codec: Codec;

  constructor(codec: Codec, options: CodecSuiteOptions) {
    super(codec, options);
    this.#codec = codec;
  }

  override reader(limits: Partial<Limits> = {}): MessageReader {
    return this.#codec.createReader(withDefaults(limits));
  }

  recognizes(first: Uint8Array): boolean | undefined {
    return this.#codec.recognizes(first);
  }

  forward(view: MessageView, time: number, id?: string, group?: string): Uint8Array {
    const sink = new StrictSink();
    const length = this.#codec.forward(view, time, sink, id, group);
    return onlyFrame(sink, length);
  }

  forwardWith(head: OutgoingHead, view: MessageView): Uint8Array {
    const sink = new StrictSink();
    const length = this.#codec.forwardWith(head, view, sink);
    return onlyFrame(sink, length);
  }

  override copy(view: MessageView): Message {
    const { id, bytes, bodyStart, bodyEnd } = view;
    const rawBody = String.fromCharCode(...bytes.subarray(bodyStart, Math.min(bodyEnd, bodyStart + 10_000)));
    return { ...super.copy(view), id, rawBody };
  }
}

/** Asserts what a message says. `fields` are those beside `channel` and `persist`. */
export function assertMessage(message: Message, expected: Omit<OtherLayout, 'what' | 'payload'>): void {
  const { head } = message;
  const { channel: _, persist: __, ...others } = head.fields();
  assert.equal(head.channel, expected.channel);
  assert.equal(head.fields()['channel'], expected.channel);
  assert.equal(message.time, expected.time);
  assert.equal(head.bounce, expected.bounce ?? true);
  assert.equal(head.persist, expected.persist ?? false);
  assert.deepEqual(plain(others), plain(expected.fields ?? {}));
  assert.deepEqual(message.body, expected.body ?? null);
}

// The keys as text: assert's own comparison takes a key `__proto__` for a prototype.
function plain(fields: HeadFields): string {
  return JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Requires a `SpokeError` with this code and a text to go with it. */
export function assertRefused(run: () => unknown, code: SpokeErrorCode): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof SpokeError, `expected a SpokeError, not ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.length > 0 && error.message.length < 300, `a short text, not: ${error.message}`);
    return true;
  });
}

function onlyFrame(sink: StrictSink, length: number): Uint8Array {
  assert.equal(sink.frames.length, 1, 'one frame is committed at once');
  const frame = sink.frames[0] ?? new Uint8Array(0);
  assert.equal(length, frame.length, 'the length that is returned');
  return frame;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** An array in an array in an array. */
export function nested(depth: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value;
}
