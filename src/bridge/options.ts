// What a bridge is made of, and what it tells of itself.

import type { BackoffOptions, Login } from '../client/index.js';
import type { Clock, Codec, Limits, SpokeError, Transport } from '../contracts/index.js';
import type { Endpoint } from '../transports/index.js';
import type { FilterOptions } from './filter.js';
import type { PrefixPair } from './prefixes.js';

export interface BridgeOptions extends FilterOptions {
  /** The broker of side 1: a URL, or `{host, port}` for TCP. */
  readonly url1: Endpoint;
  /** The broker of side 2. */
  readonly url2: Endpoint;
  /** A codec or the name of a built-in one. Default `json`. Where both sides speak the same, bodies are not looked at. */
  readonly codec1?: Codec | string;
  readonly codec2?: Codec | string;
  /** Who the bridge is to each broker, as `auth` of a `Client`. Default: nobody. */
  readonly auth1?: Login;
  readonly auth2?: Login;
  /** Channels that have another name on the other side. Default: none. */
  readonly map?: readonly PrefixPair[];
  /** Default: TCP, TLS, Unix sockets and WebSocket. */
  readonly transports?: readonly Transport[];
  /** `offlineBytes` bounds what waits for each side. */
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /** How to connect again, for ever. */
  readonly reconnect?: BackoffOptions;
}

/**
 * - `idle`: made, `start` was not called;
 * - `connecting`: a side is away, or the two are being brought to the same state;
 * - `connected`: both sides are there, and what is kept on one is kept on the other;
 * - `closed`: for good, by `close` or by an error that trying again cannot mend.
 */
export type BridgeState = 'idle' | 'connecting' | 'connected' | 'closed';

/** One side, and what goes to it. Counts are since the start. */
export interface SideStatus {
  readonly url: string;
  readonly connected: boolean;
  /**
   * Whether its broker tells what is wanted there, and knows again what it has had. A broker of the peers does neither;
   * `undefined` until the first connection.
   */
  readonly bridging: boolean | undefined;
  /** Messages passed on to it. */
  readonly forwarded: number;
  /** Messages that waited for it, and were given up: it was away, or slow, for too long. */
  readonly dropped: number;
  /** Messages that had crossed before, and did not again. Brokers of ours count theirs themselves: `stats.repeated`. */
  readonly repeated: number;
  /** Messages that its broker refused, or that its codec cannot say. */
  readonly refused: number;
  /** What waits for it now. */
  readonly waiting: { readonly messages: number; readonly bytes: number };
  /** Milliseconds that the oldest of it has waited. */
  readonly lag: number;
}

export interface BridgeStatus {
  readonly state: BridgeState;
  readonly side1: SideStatus;
  readonly side2: SideStatus;
}

export interface BridgeEvents {
  /** The state changed. `error` says why, when it was not asked for. */
  state: (state: BridgeState, error: SpokeError | undefined) => void;
  /** A side was connected, or lost; then `error` says how. */
  side: (side: 1 | 2, connected: boolean, error: SpokeError | undefined) => void;
  /** An attempt to connect a side failed; the next follows. */
  retry: (side: 1 | 2, error: SpokeError) => void;
  /**
   * A broker refused a message, or one could not be passed on. Without a listener it becomes a process warning; it never
   * ends the program.
   */
  error: (error: SpokeError) => void;
}
