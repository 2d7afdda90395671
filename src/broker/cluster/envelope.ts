// What brokers of one cluster send each other through the backplane: who published it as which number, and the frame as it is.
//
// kind(1) lengths of origin(1), codec(1) and id(2) sequence(8) time(8), the three texts in Latin-1, the frame. Little-endian.

import type { MessageView } from '../../contracts/index.js';

export const enum Kind {
  Live = 1,
  Kept = 2,
  /** A channel is cleared up to `time`; there is no frame. */
  Cleared = 3,
  /** As `Kept`, and perhaps published before: it counts when the engine has kept it, and not while it is on its way. */
  Again = 4,
}

export interface Envelope {
  readonly kind: Kind;
  /** The broker that published it here. */
  readonly origin: string;
  /** Counted by that broker, over all that it publishes here. */
  readonly sequence: number;
  /** Of the message, in seconds. */
  readonly time: number;
  readonly codec: string;
  /** `;<origin>:<n>` of a client that numbers its messages, or the whole id of a message that came by a bridge; or empty. */
  readonly id: string;
  readonly frame: Uint8Array;
}

const FIXED = 21;
const NO_FRAME = new Uint8Array(0);

/**
 * @param range - where the frame is.
 * @param before - stands in front of it.
 */
export function writeEnvelope(
  envelope: Omit<Envelope, 'frame'>,
  range: { readonly block: Uint8Array; readonly start: number; readonly end: number } = EMPTY,
  before: Uint8Array = NO_FRAME,
): Uint8Array {
  const { kind, origin, sequence, time, codec, id } = envelope;
  const base = before.length;
  const start = base + FIXED + origin.length + codec.length + id.length;
  const data = new Uint8Array(start + range.end - range.start);
  const view = new DataView(data.buffer, base);
  if (base > 0) data.set(before);
  view.setUint8(0, kind);
  view.setUint8(1, origin.length);
  view.setUint8(2, codec.length);
  view.setUint16(3, id.length, true);
  view.setFloat64(5, sequence, true);
  view.setFloat64(13, time, true);
  let at = base + FIXED;
  at = put(data, at, origin);
  at = put(data, at, codec);
  put(data, at, id);
  data.set(range.block.subarray(range.start, range.end), start);
  return data;
}

/** `undefined`: that is none, or one of a later version. The frame shares the memory of `data`. */
export function readEnvelope(data: Uint8Array): Envelope | undefined {
  if (data.length < FIXED) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [kind = 0, originLength = 0, codecLength = 0] = data;
  const codecAt = FIXED + originLength;
  const idAt = codecAt + codecLength;
  const start = idAt + view.getUint16(3, true);
  if (start > data.length || kind < Kind.Live || kind > Kind.Again) return undefined;
  return {
    kind,
    origin: text(data, FIXED, codecAt),
    sequence: view.getFloat64(5, true),
    time: view.getFloat64(13, true),
    codec: text(data, codecAt, idAt),
    id: text(data, idAt, start),
    frame: kind === Kind.Cleared ? NO_FRAME : data.subarray(start),
  };
}

/** What others than this broker call a message of a session, as in an `Envelope`. @param acked - whether its client numbered it. */
export function foreignId({ id }: MessageView, acked: boolean, ofBridge: boolean): string {
  if (id === undefined) return '';
  if (acked) return `;${id}`;
  return ofBridge ? id : '';
}

/** What a message is called by whoever gave it the id of an `Envelope`. */
export function givenName(id: string): string {
  return id.startsWith(';') ? id.slice(1) : id;
}

const EMPTY = { block: NO_FRAME, start: 0, end: 0 };

function put(data: Uint8Array, at: number, what: string): number {
  for (let i = 0; i < what.length; i++) data[at + i] = what.charCodeAt(i);
  return at + what.length;
}

// Short: a decoder would take longer to call.
function text(data: Uint8Array, from: number, to: number): string {
  let result = '';
  for (let i = from; i < to; i++) result += String.fromCharCode(data[i] ?? 0);
  return result;
}
