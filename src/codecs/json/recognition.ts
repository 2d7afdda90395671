// How a stream of JSON begins: with a message. A peer's broker drops an empty frame and goes on, so some may come first; but
// streams with lengths begin with a zero byte too. What follows the zeros tells: no length-prefixed frame of ours, and none
// that holds JSON, begins with zeros and the beginning of a message (docs/protocol.md#msgpack).

/** More empty frames than that are nobody's. */
const MAX_ZEROS = 64;
/** And more blanks in the beginning of a message. */
const MAX_OPENING = 64;
const BRACE = 0x7b;
const OPENINGS = ['{"head"', '{"body"'];

/** Whether a stream that begins with these bytes is JSON; `undefined`: more of them are needed to tell. */
export function beginsAsJson(first: Uint8Array): boolean | undefined {
  if (first.length === 0) return undefined;
  if (first[0] !== 0) return true;
  const zeros = first.findIndex((byte) => byte !== 0);
  if (zeros < 0) return first.length <= MAX_ZEROS ? undefined : false;
  if (zeros > MAX_ZEROS || first[zeros] !== BRACE) return false;
  const text = String.fromCharCode(...first.subarray(zeros, zeros + MAX_OPENING)).replaceAll(/[ \t\r\n]/g, '');
  if (OPENINGS.some((opening) => text.startsWith(opening))) return true;
  return OPENINGS.some((opening) => opening.startsWith(text)) ? undefined : false;
}
