// What every codec holds a head to (docs/protocol.md#messages).

import type { Head, Limits, OutgoingHead } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { notEncodable, requireValue } from './values.js';

/** Keys with members of their own in an `OutgoingHead`. */
export const OWN_KEYS: ReadonlySet<string> = new Set(['channel', 'time', 'bounce', 'persist']);

/** Keys that the peers' decoders break on: never let in, so never passed on. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['self', 'body']);

/** The key of a message's identity: for those who ask for it, so not among the fields of a head. */
export const ID_KEY = '-id';

/** The key of what tells a member's copy from others. */
export const GROUP_KEY = '-group';

/** Tokens of a canonical channel. */
export function depthOf(channel: string): number {
  if (channel === '') return 0;
  let depth = 1;
  for (let at = channel.indexOf('/'); at >= 0; at = channel.indexOf('/', at + 1)) depth++;
  return depth;
}

/**
 * Holds a channel to its limits.
 * @param sent - as it came; this is what a peer can make long.
 * @throws {SpokeError} `LIMIT_EXCEEDED`
 */
export function checkChannel(sent: string, canonical: string, limits: Limits): void {
  if (sent.length > limits.channelLength) {
    throw exceeded('the channel is', sent.length, 'channelLength', limits.channelLength, 'characters');
  }
  const depth = depthOf(canonical);
  if (depth > limits.channelDepth) {
    throw exceeded('the channel has', depth, 'channelDepth', limits.channelDepth, 'tokens');
  }
}

/** The error of something that is over a limit. */
export function exceeded(what: string, size: number, name: string, limit: number, unit: string): SpokeError {
  return new SpokeError('LIMIT_EXCEEDED', `${what} ${size} ${unit}, more than ${limit} (limits.${name})`, {
    details: { limit },
  });
}

/** The head of a copy for a member of a group. */
export function headFor(group: string, head: Head, time: number, id?: string): OutgoingHead {
  const { channel, persist } = head;
  return { channel, persist, time, id, fields: { ...head.fields(), [GROUP_KEY]: group } };
}

/**
 * What goes out as a head, but for the time, which codecs put last.
 * @throws {SpokeError} `NOT_ENCODABLE`: a key that no peer can take, a function or symbol.
 */
export function membersOf(head: OutgoingHead): Map<string, unknown> {
  if (typeof head.channel !== 'string') throw new TypeError('head.channel must be a string');
  if (head.time !== undefined && !Number.isFinite(head.time)) {
    throw new TypeError(`head.time must be a finite number, not ${head.time}`);
  }
  const members = new Map<string, unknown>();
  // First, where readers look for it.
  if (head.id !== undefined) members.set(ID_KEY, head.id);
  members.set('channel', head.channel);
  if (head.persist === true) members.set('persist', true);
  if (head.bounce === false) members.set('bounce', false);
  for (const [key, value] of Object.entries(head.fields ?? {})) {
    if (OWN_KEYS.has(key) || value === undefined) continue;
    if (FORBIDDEN_KEYS.has(key)) throw notEncodable(`no peer can take the head key \`${key}\``);
    requireValue(value);
    members.set(key, value);
  }
  return members;
}
