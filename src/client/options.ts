// What a client is made of, and what can be said with each of its calls.

import type { Routes } from '../channels/index.js';
import type { Address, ClientCodec, Clock, HeadFields, Limits, SpokeError, Transport } from '../contracts/index.js';
import type { MakeOutbox, Sink } from '../link/index.js';
import type { BackoffOptions } from './backoff.js';
import type { Subscription } from './subscription.js';

/** What a platform makes of the options of its `Client`. */
export interface BaseClientOptions {
  /** The broker. */
  readonly address: Address;
  /** Serves the scheme of `address`. */
  readonly transport: Transport;
  readonly codec: ClientCodec;
  /**
   * Empty, and for this client alone: finds the subscriptions that get a message.
   * @internal
   */
  readonly routes: Routes<Subscription>;
  /** @internal */
  readonly sink: Sink;
  /** @internal */
  readonly makeOutbox: MakeOutbox;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  /**
   * How to connect again, for ever. `false`: do not; a failed attempt or a lost connection closes the client.
   */
  readonly reconnect?: BackoffOptions | false;
  /**
   * Milliseconds between signs of life, at least 1,000, with brokers that offer it; a connection on which nothing comes
   * back for two of them is given up. Default 15,000; `false` for none.
   */
  readonly heartbeat?: number | false;
}

/**
 * - `idle`: made, `connect` was not called;
 * - `connecting`: never connected yet, trying;
 * - `connected`;
 * - `reconnecting`: the connection was lost, trying;
 * - `closed`: for good, by `close` or by an error that trying again cannot mend.
 */
export type ClientState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface ClientEvents {
  /** The state changed. `error` says why, when it was not asked for. */
  state: (state: ClientState, error: SpokeError | undefined) => void;
  /** An attempt to connect failed; the next comes after `delay` milliseconds. */
  retry: (error: SpokeError, delay: number) => void;
  /**
   * Something failed that no promise reports: a handler threw (`HANDLER_FAILED`), the broker refused a message of this
   * client (the broker's code), a message could not be read (`MALFORMED`), an iterator was too slow (`SLOW_CONSUMER`).
   * Without a listener it becomes a process warning, or `reportError` in a browser; it never ends the program.
   */
  error: (error: SpokeError) => void;
}

export interface WaitOptions {
  /** Aborting rejects with `ABORTED`. */
  readonly signal?: AbortSignal;
  /** Milliseconds until it rejects with `TIMEOUT`. Default: none. */
  readonly timeout?: number;
}

export interface PublishOptions {
  /** Keep it as the last value of its channel. Default `false`. */
  readonly persist?: boolean;
  /** `false`: not to subscriptions of this same client. Default `true`. */
  readonly bounce?: boolean;
  /** Seconds since the epoch. Default: the broker sets it on arrival. */
  readonly time?: number;
  /** Further keys of the head, carried to the subscribers. Not `self` or `body`: other programs break on them. */
  readonly head?: HeadFields;
  /** Aborting while it waits for the connection takes it back (`ABORTED`); once written it has no effect. */
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Aborting unsubscribes. */
  readonly signal?: AbortSignal;
  /**
   * `false`: this client is not sent its own `-control/subscribe` message back, which a subscription that matches control
   * channels, such as `**`, would get. Default `true`.
   */
  readonly bounce?: boolean;
}
