// Text messages come from browsers that know nothing of framing: each is one message in JSON, with or without its NUL
// (docs/protocol.md#websocket).

const NUL = 0;

/** The same bytes with a NUL at the end: in place, or as a copy when it has none yet. */
export function terminated(text: Uint8Array): Uint8Array {
  if (text[text.length - 1] === NUL) return text;
  const frame = new Uint8Array(text.length + 1);
  frame.set(text);
  return frame;
}
