// Everything a peer can make grow, in one object. A broker or client takes a partial one; the rest are these defaults.

/** Bounds that hold for one broker or one client. Sizes are bytes, times are milliseconds. */
export interface Limits {
  /** One message on the wire, head and body. Below 16 MiB, so that a length prefix begins with a zero byte. */
  readonly messageBytes: number;
  /** The head of one message. */
  readonly headBytes: number;
  /** Nested arrays and objects in one body. Readers in other languages stop at about 1,000. */
  readonly bodyDepth: number;
  /** Length of a channel or pattern, in UTF-16 code units. */
  readonly channelLength: number;
  /** Tokens in a channel or pattern. */
  readonly channelDepth: number;
  /** `**` tokens in one pattern. */
  readonly globstars: number;
  /** Subscriptions of one connection. */
  readonly subscriptions: number;
  /** Subscriptions of all connections of one broker. */
  readonly totalSubscriptions: number;
  /** Durable subscriptions of one user, in the whole cluster; all who are anonymous are one. */
  readonly durables: number;
  /** Connections of one broker; set for an endpoint, those of that endpoint. */
  readonly connections: number;
  /** Connections from one address; of IPv6, from one network of 64 bits. Unix sockets have none, and are not counted. */
  readonly connectionsPerAddress: number;
  /** From the first byte of a connection to its first whole message, while less than 64 KiB come in. TLS and WebSocket: `connectTimeout`. */
  readonly handshakeTime: number;
  /** Bytes of messages that have begun and not ended, on all connections of one broker: past it, the connection that holds most is closed. */
  readonly unfinishedBytes: number;
  /** Messages that one connection may send in a second. Past it, it is read no faster, and told once; nothing is lost. `Infinity`: any. */
  readonly messagesPerSecond: number;
  /** Lines of one kind that a broker writes into its log in a second; the rest are counted, in one line. */
  readonly logLines: number;
  /** Persistent messages kept by one broker. */
  readonly keptMessages: number;
  /** Bytes of all persistent messages kept by one broker. */
  readonly keptBytes: number;
  /** Cleared persistent messages that one broker remembers, so that older ones do not bring them back. */
  readonly clearedMessages: number;
  /** How long it remembers them. */
  readonly clearedAge: number;
  /** Bytes waiting to be sent on one connection: past it, the connection is a slow consumer and is closed. */
  readonly outboundBytes: number;
  /** Bytes waiting to be sent on all connections of one broker: past it, the connection that waits most is closed. */
  readonly totalOutboundBytes: number;
  /** How long publishers are held for one subscriber that does not read: then its connection is ended. */
  readonly holdTime: number;
  /** How far in the future a `time` set by a publisher may lie. */
  readonly clockSkew: number;
  /** Client: bytes of messages waiting for a connection. Past it `publish` is refused with `QUEUE_FULL`. */
  readonly offlineBytes: number;
  /** Client: messages waiting in one subscription that is read as an async iterator. */
  readonly iteratorMessages: number;
  /** Time allowed for one attempt to connect, and for a peer's authentication. */
  readonly connectTimeout: number;
}

const MiB = 1024 * 1024;

/** The defaults; `docs/limits.md` gives the reason for each. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  messageBytes: 8 * MiB,
  headBytes: 16 * 1024,
  bodyDepth: 900,
  channelLength: 1024,
  channelDepth: 64,
  globstars: 8,
  subscriptions: 100_000,
  totalSubscriptions: 1_000_000,
  durables: 1_000,
  connections: 10_000,
  connectionsPerAddress: 2_500,
  handshakeTime: 10_000,
  unfinishedBytes: 256 * MiB,
  messagesPerSecond: Infinity,
  logLines: 20,
  keptMessages: 1_000_000,
  keptBytes: 1024 * MiB,
  clearedMessages: 100_000,
  clearedAge: 86_400_000,
  outboundBytes: 32 * MiB,
  totalOutboundBytes: 512 * MiB,
  holdTime: 2_000,
  clockSkew: 60_000,
  offlineBytes: 16 * MiB,
  iteratorMessages: 10_000,
  connectTimeout: 10_000,
});

/**
 * Completes a partial `Limits` with the defaults.
 * @throws {TypeError} when a value is not a positive number, or `messageBytes` is not below 16 MiB.
 */
export function withDefaults(limits: Partial<Limits> = {}): Limits {
  const all: Limits = { ...DEFAULT_LIMITS, ...limits };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in DEFAULT_LIMITS)) throw new TypeError(`limits.${name}: there is no such limit`);
    if (typeof value !== 'number' || !(value > 0)) throw new TypeError(`limits.${name} must be a positive number`);
  }
  if (all.messageBytes >= 16 * MiB) throw new TypeError('limits.messageBytes must be below 16 MiB');
  return all;
}
