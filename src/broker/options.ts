// What a broker can be made of, and what stands in for what was not given.

import type {
  Authenticator,
  Authorizer,
  Backplane,
  Clock,
  Codec,
  Limits,
  Logger,
  MessageStore,
  Transport,
} from '../contracts/index.js';
import type { AccessOptions } from '../access/index.js';
import type { PresenceBody, PresenceEntry } from '../link/presence-control.js';
import type { ListenEndpoint } from '../transports/index.js';
import type { ClusterStats } from './cluster/clustering.js';

export interface BrokerOptions {
  /**
   * Endpoints to listen on: URLs, or `{host, port, reuse}` for TCP. Default: `tcp://0.0.0.0:7181`, with the port from
   * `SPOKEPORT` when that is set. An empty list: none, use `broker.listen` later.
   */
  readonly listen?: ListenEndpoint | readonly ListenEndpoint[];
  /** Default: TCP, TLS, Unix sockets and WebSocket. A class of the user's own is found by its URL scheme. */
  readonly transports?: readonly Transport[];
  /** Codecs that clients may speak, recognised by their first bytes. Default: JSON and msgpack. */
  readonly codecs?: readonly Codec[];
  /**
   * Where persistent messages are kept: a store, or its URL, `lmdb:FOLDER` or `memory:`. Default: in memory. The broker
   * opens it and closes it.
   */
  readonly store?: MessageStore | string;
  /**
   * Joins this broker to others, through an engine: `new NatsBackplane(...)` of `spoke/nats`. Persistent messages are kept there then,
   * and a `store` that lasts is refused. Default: it is alone. The broker opens it and closes it.
   */
  readonly backplane?: Backplane;
  readonly limits?: Partial<Limits>;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Decides what is left to chance, from 0 up to 1: for tests that are to be repeated. Default `Math.random`. */
  readonly random?: () => number;
  /** Users and rules in plain values (docs/access.md). Default: everyone is let in, and may do everything. */
  readonly access?: AccessOptions;
  /** In place of the users of `access`. */
  readonly authenticator?: Authenticator;
  /** In place of the rules of `access`. */
  readonly authorizer?: Authorizer;
  /**
   * Whether control messages such as `-control/subscribe` are passed on like any other, so that a monitor on `**` sees them:
   * as the protocol has it, but then clients learn what others subscribe to. Default `true`.
   */
  readonly showControl?: boolean;
  /**
   * Whether a subscriber may have publishers wait for it (`SubscribeOptions.slow: 'hold'`), for `limits.holdTime` at most. Default
   * `true`.
   */
  readonly allowHold?: boolean;
  /**
   * Milliseconds that `close` waits for calls in flight to be answered, and then for connections to take what is queued. Default
   * 1,000.
   */
  readonly closeTimeout?: number;
}

/** What can be changed while a broker runs. */
export interface ReloadOptions {
  /** Users and rules, in place of those of before. */
  readonly access?: AccessOptions;
  /** All endpoints: those that are not there yet are opened, and those that are not named are closed. Default: as they are. */
  readonly listen?: readonly ListenEndpoint[];
  /** In place of those of before; who is over one already is not ended for it. Of endpoints: those that `listen` says. */
  readonly limits?: Partial<Limits>;
}

/** A snapshot of what a broker does. Counts are since the start. */
export interface BrokerStats {
  readonly connections: number;
  readonly subscriptions: number;
  readonly kept: { readonly messages: number; readonly bytes: number };
  /** Bytes that wait for readers slower than their messages. */
  readonly outboundBytes: number;
  /** Bytes handed to sockets that the system has not taken. Those of a message to many are counted for each, and held once. */
  readonly socketBytes: number;
  /** Bytes of messages that have begun and not ended. */
  readonly unfinishedBytes: number;
  /** Connections not let in, because there were too many. */
  readonly turnedAway: number;
  /** Connections ended because of a limit: for what they did not read, or not finish. */
  readonly cut: number;
  /** How often a connection was not read for a while, because it sent more than `limits.messagesPerSecond`. */
  readonly throttled: number;
  /** Lines left out of the log (`limits.logLines`). */
  readonly unlogged: number;
  readonly received: number;
  readonly delivered: number;
  /** Messages answered with an error. */
  readonly refused: number;
  /** Persistent messages that were not newer than what was kept. */
  readonly discarded: number;
  /** Messages that came by several bridges; each was passed on once. */
  readonly repeated: number;
  /** With a backplane: what crosses it. */
  readonly cluster?: ClusterStats;
}

/** The connections of one broker. */
export interface BrokerPresence {
  /** All there are, in the order in which they came. */
  list(): PresenceEntry[];
  /** Has a listener told of whoever comes, changes and leaves, once per turn of the event loop. Returns a function that ends it. */
  listen(listener: (news: PresenceBody) => void): () => void;
}
