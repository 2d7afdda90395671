// Who is there, and what they may do. Without these two a broker lets everyone do everything.

import type { PeerInfo } from './connection.js';

/** Someone known to the broker. */
export interface Identity {
  readonly name: string;
}

/**
 * Decides who a new connection is. Nothing the connection sends is read until then.
 */
export interface Authenticator {
  /**
   * @param signal - aborts when `limits.connectTimeout` has passed, and when the broker closes.
   * @returns who it is, or `undefined`: not let in, the connection is closed.
   *   A throw means the same and is logged.
   */
  authenticate(peer: PeerInfo, signal: AbortSignal): Promise<Identity | undefined> | Identity | undefined;
}

export type Action = 'publish' | 'subscribe';

/**
 * Decides what an identity may do. Must be quick, synchronous and stable: a broker remembers the answers for the
 * life of a connection.
 */
export interface Authorizer {
  /**
   * Not asked whether a request to the broker may be sent (`-control/subscribe` and `unsubscribe`, `hello`, a ping that
   * comes back to its sender alone), but about every other `-control/...` channel: those are passed on with what they carry.
   * @param target - the canonical channel to publish on, or the canonical pattern to subscribe to.
   * @returns `false`: the message is refused with `FORBIDDEN`, and the connection goes on. A throw means `false`.
   */
  allows(identity: Identity, action: Action, target: string): boolean;
}
