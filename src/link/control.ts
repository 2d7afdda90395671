// Names and bodies of control messages (docs/protocol.md#control-messages, #extensions). Known to brokers and clients.

import type { Credentials, SpokeError } from '../contracts/index.js';
import { withCode } from '../contracts/index.js';

/** Every control channel begins with this. */
export const CONTROL_PREFIX = '-control/';
export const SUBSCRIBE = '-control/subscribe';
export const UNSUBSCRIBE = '-control/unsubscribe';
/** Client to broker, first of all: which extensions it understands. Never routed. */
export const HELLO = '-control/hello';
/** Broker to that client alone: which of them it gets. */
export const WELCOME = '-control/welcome';
/** Broker to that client alone: a message of its own was refused. */
export const ERROR = '-control/error';

/**
 * `-control/ping/<anything>`: comes back to its sender, after everything the sender sent before has taken effect. A
 * broker of ours sends it back to the sender alone; with any other, a client that subscribed to it gets it all the same.
 */
export const PING_PREFIX = '-control/ping/';

/** Something a client or broker can do beyond the base protocol. */
export type Feature =
  | 'errors'
  | 'ping'
  | 'heartbeat'
  | 'auth'
  | 'ack'
  | 'requests'
  | 'kept'
  | 'groups'
  | 'slow'
  | 'presence'
  | 'will'
  | 'calls'
  | 'history'
  | 'bridge'
  | 'closing';

export interface HelloBody {
  /** Chosen anew for each connection, and repeated in the welcome: what was not asked for is not believed. */
  readonly nonce: string;
  readonly features: readonly string[];
  /** Feature `heartbeat`: the client lets hear of itself at least this often, in milliseconds. */
  readonly heartbeat?: number;
  /** Feature `auth`: who it is. Said to brokers that have that feature. */
  readonly auth?: Credentials;
}

export interface ServerIdentity {
  /** Name and version, for a person. */
  readonly server: string;
  /** Another one after each start: whoever meets this broker by two ways knows it again. */
  readonly id: string;
}

export interface WelcomeBody extends HelloBody, ServerIdentity {}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  /** The channel, where the refused message had a readable one. */
  readonly channel?: string;
  /** The pattern, in canonical form, when that is what was refused. */
  readonly pattern?: string;
  /** Of the hello that is answered: the connection ends. */
  readonly nonce?: string;
}

/** Reads a body of `HELLO` or `WELCOME`; `undefined` when it is neither. */
export function readGreeting(body: unknown): HelloBody | undefined {
  const nonce = textAt(body, 'nonce');
  const features = memberAt(body, 'features');
  if (nonce === undefined || nonce.length > 64 || !Array.isArray(features)) return undefined;
  const heartbeat = memberAt(body, 'heartbeat');
  return {
    nonce,
    features: features.filter((feature) => typeof feature === 'string'),
    ...(typeof heartbeat === 'number' && Number.isFinite(heartbeat) && { heartbeat }),
  };
}

/** Reads a body of `ERROR`; `undefined` when it is none. */
export function readError(body: unknown): ErrorBody | undefined {
  const code = textAt(body, 'code');
  const message = textAt(body, 'message');
  if (code === undefined || message === undefined) return undefined;
  const channel = textAt(body, 'channel');
  const pattern = textAt(body, 'pattern');
  const nonce = textAt(body, 'nonce');
  return {
    code,
    message,
    ...(channel !== undefined && { channel }),
    ...(pattern !== undefined && { pattern }),
    ...(nonce !== undefined && { nonce }),
  };
}

function memberAt(body: unknown, key: string): unknown {
  return Reflect.get(Object(body), key);
}

function textAt(body: unknown, key: string): string | undefined {
  const value = memberAt(body, key);
  return typeof value === 'string' ? value : undefined;
}

/** The error that a broker told of, as one of ours. Its code may be one that this version does not know. */
export function asError({ message, ...details }: ErrorBody, url: string): SpokeError {
  return withCode(details.code, `refused by ${url}: ${message}`, { details: { url, ...details } });
}
