// Names and bodies of the control messages about who is there, and what is said for who is not (docs/protocol.md#feature-presence,
// #feature-will).

import { memberOf } from './kept-control.js';

/** Client to broker: who it says it is. */
export const ABOUT = '-control/about';
/** Broker to that client alone: who came, changed and left. */
export const PRESENCE = '-control/presence';
/** Client to broker: what is to be published when its connection ends without `BYE`; `null`: nothing. */
export const WILL = '-control/will';
/** Client to broker: it ends its connection on purpose. */
export const BYE = '-control/bye';

/** What it takes the right to subscribe to, to see who is there. */
export const PRESENCE_PATTERN = '-presence/**';
/** Entries of one reply or message at the most, and patterns of one entry. */
export const PRESENCE_ENTRIES = 1000;
export const PRESENCE_PATTERNS = 100;

/** One connection to a broker. */
export interface PresenceEntry {
  /** Of the connection: another one after each reconnect, and on each broker. */
  readonly id: string;
  /** What the client calls itself (`ClientOptions.about`). */
  readonly name?: string;
  /** What it says of itself (`ClientOptions.about`). */
  readonly meta?: unknown;
  /** Who it is, where the broker asks. */
  readonly identity?: string;
  /** Where it is connected from. */
  readonly address: string;
  /** When it connected, in seconds since the epoch. */
  readonly since: number;
  /** What it subscribes to, the first 100 patterns. */
  readonly patterns: readonly string[];
  /** The groups that it is in, the first 100. */
  readonly groups: readonly { readonly pattern: string; readonly group: string }[];
  /** The procedures that it provides, of those patterns. */
  readonly provides: readonly string[];
  /** Subscriptions and memberships, however many. */
  readonly subscriptions: number;
}

export interface PresenceBody {
  readonly joined: readonly PresenceEntry[];
  readonly changed: readonly PresenceEntry[];
  /** Ids. */
  readonly left: readonly string[];
}

export interface WillBody {
  readonly channel: string;
  readonly body?: unknown;
  readonly persist?: boolean;
  /** Seconds. */
  readonly ttl?: number;
}

/** `undefined` when it is none. */
export function readPresence(body: unknown): PresenceBody | undefined {
  const joined = readEntries(memberOf(body, 'joined'));
  const changed = readEntries(memberOf(body, 'changed'));
  const left = memberOf(body, 'left');
  if (joined === undefined || changed === undefined || !Array.isArray(left)) return undefined;
  return { joined, changed, left: left.filter((id) => typeof id === 'string') };
}

/** `undefined` when they are none. */
export function readEntries(list: unknown): PresenceEntry[] | undefined {
  return Array.isArray(list) && list.every(isEntry) ? list : undefined;
}

/** `null`: nothing is to be published; `undefined` when it is none. */
export function readWill(body: unknown): WillBody | null | undefined {
  if (body === null) return null;
  const channel = memberOf(body, 'channel');
  const ttl = memberOf(body, 'ttl');
  if (typeof channel !== 'string' || !(ttl === undefined || (typeof ttl === 'number' && ttl > 0))) return undefined;
  return {
    channel,
    body: memberOf(body, 'body') ?? null,
    persist: memberOf(body, 'persist') === true,
    ...(ttl !== undefined && { ttl }),
  };
}

function isEntry(value: unknown): value is PresenceEntry {
  return (
    typeof memberOf(value, 'id') === 'string' &&
    typeof memberOf(value, 'address') === 'string' &&
    Array.isArray(memberOf(value, 'patterns')) &&
    Array.isArray(memberOf(value, 'provides'))
  );
}
