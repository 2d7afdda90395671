// Programs that knock at the wrong door. They get an answer in their own language, because silence is the one that costs
// a person an afternoon.

/** Someone who speaks another protocol. */
export interface Stranger {
  /** What it seems to speak, for the log. */
  readonly protocol: string;
  /** What to answer before hanging up. */
  readonly answer: Uint8Array;
}

const HTTP_METHODS = ['GET ', 'HEAD ', 'POST ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'CONNECT ', 'TRACE '];

const HTTP_BODY =
  'This is a spoke broker, which does not speak HTTP here.\nBrowsers connect to its ws:// endpoint, programs with a spoke client.\n';

const HTTP_ANSWER = new TextEncoder().encode(
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${HTTP_BODY.length}\r\nConnection: close\r\n\r\n${HTTP_BODY}`,
);

// A fatal alert, `protocol_version` (no version in common), in the record version that every TLS client reads (RFC 8446
// section 6).
const TLS_ALERT = Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 70);

/**
 * Recognises HTTP and TLS by the first bytes of a stream. `undefined`: neither, or too few bytes to tell, which is then
 * for the codecs to judge.
 */
export function recognizeStranger(first: Uint8Array): Stranger | undefined {
  // A handshake record, version 3.x.
  if (first[0] === 0x16 && first[1] === 0x03) return { protocol: 'TLS', answer: TLS_ALERT };
  if (first.length < 4) return undefined;
  const text = String.fromCharCode(...first.subarray(0, 8));
  if (HTTP_METHODS.some((method) => text.startsWith(method))) return { protocol: 'HTTP', answer: HTTP_ANSWER };
  return undefined;
}
