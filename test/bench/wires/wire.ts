// The bytes of one protocol, as little of it as "broker only" needs: what to send, and how to count what comes.

/** How the broker-only workloads speak to one kind of server, without a client library. */
export interface Wire {
  /** The first bytes of a connection. */
  greeting(role: 'publisher' | 'subscriber'): Uint8Array;
  /** How many bytes answer the greeting, when nothing may be published before. */
  readonly welcome?: number;
  /**
   * Asks for patterns, written the way of spoke (`*` stands for one token), and for something that tells when they
   * have taken effect.
   */
  subscribe(patterns: readonly string[]): Uint8Array;
  /** Whether what a subscriber received so far tells that. */
  subscribed(received: string, count: number): boolean;
  /** One message, framed. */
  publish(channel: string, body: string): Uint8Array;
  /**
   * How many bytes a subscriber gets for each message, when that is fixed; otherwise the last byte of every message,
   * which no message holds elsewhere.
   */
  delivery(pattern: string, channel: string, body: string): { readonly bytes: number } | { readonly delimiter: number };
  /** Bytes a server may send in between of its own accord, such as a keep-alive: allowed when counting at the end. */
  readonly noise?: number;
}

const encoder = new TextEncoder();

export function ascii(text: string): Uint8Array {
  return encoder.encode(text);
}
