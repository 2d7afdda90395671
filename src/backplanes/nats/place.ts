// What JetStream says of a message that it delivers, in the subject for answering it.

export interface Place {
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** In the stream. */
  readonly sequence: number;
  /** In what the consumer delivered. */
  readonly delivered: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly stored: number;
  /** Messages that are still to come, as far as there are. */
  readonly pending: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`; newer servers put a domain
 * and an account after `ACK`.
 */
export function placeOf(reply: string): Place | undefined {
  const parts = reply.split('.');
  if (parts[0] !== '$JS' || parts[1] !== 'ACK' || parts.length < 9) return undefined;
  const at = parts.length >= 11 ? 6 : 4;
  return {
    deliveries: Number(parts[at]),
    sequence: Number(parts[at + 1]),
    delivered: Number(parts[at + 2]),
    // Nanoseconds are too many for a number, but by far less than a millisecond.
    stored: Math.floor(Number(parts[at + 3]) / 1e6),
    pending: Number(parts[at + 4]),
  };
}
