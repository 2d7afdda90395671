// What a client is made of, and what can be said with each of its calls.

import type { Routes } from '../channels/index.js';
import type { Address, ClientCodec, Clock, HeadFields, Limits, SpokeError, Transport } from '../contracts/index.js';
import type { MakeOutbox, Sink } from '../link/index.js';
import type { Feature } from '../link/control.js';
import type { BackoffOptions } from './backoff.js';
import type { OfflineQueue } from './offline-queue.js';
import type { Login, SessionOwner } from './session.js';
import type { Subscription } from './subscription.js';

/**
 * Extensions of the protocol that pages do without, to be small: a platform's client has them.
 * @internal
 */
export interface ClientExtension {
  readonly features: readonly Feature[];
  /** What is published without a connection, and again after one was lost. */
  readonly offline: OfflineQueue;
  /** Of each connection. */
  readonly hooks: Pick<SessionOwner, 'welcomed' | 'control'> & {
    /** What is to be said of the message at hand: see `Message.kept`. */
    kept?(): boolean | undefined;
  };
}

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
  /**
   * What the platform's client asks brokers for beside what all do, and what it does with it.
   * @internal
   */
  readonly extension?: ClientExtension;
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
  /**
   * Who it is: `{ token }` or `{ user, password }`, or a function that is asked for it at each connection. Told to brokers that ask
   * for it, and to them alone. A client that is not let in closes with `UNAUTHENTICATED`. Default: nobody.
   */
  readonly auth?: Login;
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
  /**
   * Resolve only when the broker has answered: a persistent message is durable, another was passed on to its subscribers.
   * Until then it is sent again after each reconnect, and applied once. Default: for persistent messages. It makes no
   * difference with brokers that do not answer (`client.features` has no `ack`), nor in pages.
   */
  readonly ack?: boolean;
  /**
   * Milliseconds after its time when the broker forgets a persistent message. Default: never. Brokers of the peers take no
   * notice; in pages it has no effect.
   */
  readonly ttl?: number;
  /** `false`: not to subscriptions of this same client. Default `true`. */
  readonly bounce?: boolean;
  /** Seconds since the epoch. Default: the broker sets it on arrival. */
  readonly time?: number;
  /** Further keys of the head, carried to the subscribers. Not `self` or `body`: other programs break on them. */
  readonly head?: HeadFields;
  /**
   * Aborting while it waits for the connection takes it back (`ABORTED`). Once written, it only ends the waiting for an
   * answer.
   */
  readonly signal?: AbortSignal;
}
