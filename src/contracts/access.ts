// Who is there, and what they may do. Without these two a broker lets everyone do everything.

import type { PeerInfo } from './connection.js';

/** What a client says to prove who it is, on its connection: a token, or a user's name and password. */
export interface Credentials {
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
}

/** Someone known to the broker. */
export interface Identity {
  readonly name: string;
  /** What it belongs to. Default: nothing. */
  readonly groups?: readonly string[];
  /** Nobody knows who it is, and it is let in all the same. */
  readonly anonymous?: boolean;
}

/** The other side of a connection, and what it says of itself. */
export interface LoginPeer extends PeerInfo {
  /** Present when a client has logged in by a message (docs/protocol.md#feature-auth). Never log it. */
  readonly login?: Credentials;
}

/**
 * Decides who a connection is: when it is new, and again for each login that a client sends on it.
 */
export interface Authenticator {
  /**
   * Whether a client can make itself known by a message. Then `undefined` for a new connection means: not yet. Nothing but
   * a login is taken from it, and it is closed when none came within `limits.connectTimeout`. Default `false`.
   */
  readonly takesLogins?: boolean;
  /**
   * Nothing that the connection sends after this is read until the answer is there.
   * @param peer - with `login`: what a client has said.
   * @param signal - aborts when `limits.connectTimeout` has passed, when the connection ends, and when the broker closes.
   * @returns who it is, or `undefined`: not let in, the connection is closed (but see `takesLogins`).
   *   A throw means the same and is logged.
   */
  authenticate(peer: LoginPeer, signal: AbortSignal): Promise<Identity | undefined> | Identity | undefined;
  /**
   * Whether an identity that it gave is still one. Asked of all connections after `broker.reload`; those that are nobody any
   * more are closed. Default: yes.
   */
  stands?(identity: Identity): boolean;
}

export type Action = 'publish' | 'subscribe';

/**
 * Decides what an identity may do. Must be quick, synchronous and stable: a broker remembers the answers for the
 * life of a connection, or until `broker.reload`.
 */
export interface Authorizer {
  /**
   * Not asked whether a request to the broker may be sent (`-control/subscribe` and `unsubscribe`, `hello`, a ping that
   * comes back to its sender alone), but about every other `-control/...` channel: those are passed on with what they carry.
   *
   * Calls and results (docs/protocol.md#remote-procedure-calls) of one caller and procedure may be decided once for all:
   * instead of the number the channel then has an empty token.
   * @param target - the canonical channel to publish on, or the canonical pattern to subscribe to.
   * @returns `false`: the message is refused with `FORBIDDEN`, and the connection goes on. A throw means `false`.
   */
  allows(identity: Identity, action: Action, target: string): boolean;
  /**
   * Whether there may be channels, of those that a pattern matches, that `identity` may subscribe to. With this method
   * subscriptions are narrowed: this alone decides whether one is refused, and messages come through it on channels for which
   * `allows` says yes to `subscribe`. It is asked when receivers of a channel are sought, and the answer is
   * remembered with them. Without it a subscription is allowed or refused as a whole.
   * @param pattern - canonical.
   */
  allowsSome?(identity: Identity, pattern: string): boolean;
  /**
   * Whether `identity` may have replies to calls of its own on a channel, though `allows` says no to `subscribe`: those to
   * calls of others it does not get. Only beside `allowsSome`, and asked when that is. Default: no.
   * @param channel - canonical, as that of `allows`.
   */
  allowsOwn?(identity: Identity, channel: string): boolean;
}
