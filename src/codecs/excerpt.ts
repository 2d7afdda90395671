// A glimpse of bytes that were refused, for a person who reads the error. Never on the path of a good message.

const MAX_CHARS = 60;

/** The first bytes of a range, printable ASCII as it is and the rest as `\xNN`, in quotes; at most 60 characters between them. */
export function excerpt(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    const next = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
    // Room for the ellipsis, unless this is the end.
    if (text.length + next.length > (i + 1 === end ? MAX_CHARS : MAX_CHARS - 1)) return `'${text}…'`;
    text += next;
  }
  return `'${text}'`;
}
