// A second codec for tests: JSON arrays behind a length, and a domain of values smaller than JSON's.

import { canonical } from '../../src/channels/index.js';
import type {
  Codec,
  Deframer,
  FrameHandler,
  FrameSink,
  Framing,
  Head,
  HeadFields,
  Limits,
  MessageReader,
  MessageView,
  OutgoingHead,
} from '../../src/contracts/index.js';
import { SpokeError } from '../../src/contracts/index.js';

interface Packed {
  readonly fields: Record<string, unknown>;
  readonly channel: string;
  readonly time: number | undefined;
  readonly bounce: boolean;
  readonly persist: boolean;
  readonly id: string | undefined;
  readonly body: unknown;
}

/** One byte of its own, three bytes of length, a JSON array of head and body. The text `unsayable` is outside its domain. */
export class LengthCodec implements Codec {
  readonly name: string;
  readonly framing: Framing;
  readonly #first: number;
  /** Bodies it had to build, and messages it had to encode. */
  readonly counts = { decodeBody: 0, encode: 0, forward: 0 };

  constructor(name = 'length', first = 0) {
    this.name = name;
    this.#first = first;
    this.framing = { name: 'length', createDeframer: (maxFrameBytes) => new LengthDeframer(first, maxFrameBytes) };
  }

  /** A whole frame. */
  static frame(channel: string, body: unknown, head: Readonly<Record<string, unknown>> = {}, first = 0): Buffer {
    const payload = Buffer.from(JSON.stringify([{ channel, ...head }, body]));
    const frame = Buffer.alloc(4 + payload.length);
    frame.writeUInt32BE(payload.length);
    frame[0] = first;
    payload.copy(frame, 4);
    return frame;
  }

  recognizes(bytes: Uint8Array): boolean | undefined {
    if (bytes[0] !== this.#first) return bytes.length === 0 ? undefined : false;
    return bytes.length < 4 ? undefined : true;
  }

  createReader(_limits: Limits): MessageReader {
    return { read: (bytes, start, end) => view(bytes.slice(start, end)) };
  }

  forward(message: MessageView, time: number, sink: FrameSink, id?: string): number {
    this.counts.forward++;
    const { fields, channel, persist, body } = unpack(message.bytes);
    return this.#write(
      { ...fields, channel, time, ...(persist && { persist }), ...(id !== undefined && { '-id': id }) },
      body,
      sink,
    );
  }

  forwardWith(head: OutgoingHead, message: MessageView, sink: FrameSink): number {
    this.counts.forward++;
    return this.#write(headOf(head), unpack(message.bytes).body, sink);
  }

  encode(head: OutgoingHead, body: unknown, sink: FrameSink): number {
    this.counts.encode++;
    if (JSON.stringify(body ?? null).includes('unsayable')) {
      throw new SpokeError('NOT_ENCODABLE', 'the length codec has no word for it');
    }
    return this.#write(headOf(head), body ?? null, sink);
  }

  decodeBody(message: MessageView): unknown {
    this.counts.decodeBody++;
    return unpack(message.bytes).body;
  }

  #write(head: Readonly<Record<string, unknown>>, body: unknown, sink: FrameSink): number {
    const { channel, ...rest } = head;
    const frame = LengthCodec.frame(String(channel), body, rest, this.#first);
    const at = sink.reserve(frame.length);
    sink.block.set(frame, at);
    sink.commit(frame.length);
    return frame.length;
  }
}

function headOf({ channel, time, bounce, persist, id, fields }: OutgoingHead): Record<string, unknown> {
  return {
    ...fields,
    channel,
    ...(time !== undefined && { time }),
    ...(bounce === false && { bounce }),
    ...(persist && { persist }),
    ...(id !== undefined && { '-id': id }),
  };
}

function unpack(bytes: Uint8Array): Packed {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new SpokeError('MALFORMED', 'no JSON', { cause });
  }
  if (!Array.isArray(value) || value.length !== 2) throw new SpokeError('MALFORMED', 'no pair');
  const [{ channel, time, bounce, persist, '-id': id, ...fields }, body] = value;
  if (typeof channel !== 'string') throw new SpokeError('MALFORMED', 'no channel');
  return { fields, channel: canonical(channel), time, bounce: bounce !== false, persist: persist === true, id, body };
}

function view(bytes: Uint8Array): MessageView {
  const { fields, channel, time, bounce, persist, id } = unpack(bytes);
  const all: HeadFields = { ...fields, channel, ...(persist && { persist }) };
  const head: Head = { channel, bounce, persist, fields: () => all };
  return { head, time, id, bytes, bodyStart: 0, bodyEnd: bytes.length };
}

class LengthDeframer implements Deframer {
  readonly #first: number;
  readonly #max: number;
  #held: Buffer = Buffer.alloc(0);
  #dead: SpokeError | undefined;

  constructor(first: number, max: number) {
    this.#first = first;
    this.#max = max;
  }

  get pendingBytes(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array, handler: FrameHandler): void {
    if (this.#dead !== undefined) throw this.#dead;
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 4) {
      const length = this.#held.readUIntBE(1, 3);
      if (this.#held[0] !== this.#first || length > this.#max) {
        this.#dead = new SpokeError('LIMIT_EXCEEDED', `a frame of ${length} bytes`);
        throw this.#dead;
      }
      if (this.#held.length < 4 + length) return;
      const frame = this.#held.subarray(4, 4 + length);
      this.#held = this.#held.subarray(4 + length);
      handler.frame(frame, 0, frame.length);
    }
  }
}
