// Names and bodies of the control messages about groups (docs/protocol.md#feature-groups).

import { memberOf } from './kept-control.js';

/** Client to broker: I am a member of this group for this pattern, or am no more. */
export const JOIN = '-control/join';
export const LEAVE = '-control/leave';

/** Head key of the copy that is for a member of a group: `markOf`. */
export const GROUP_KEY = '-group';

/** Of a group's name, in UTF-16 units. */
export const GROUP_NAME_LENGTH = 128;

export interface MembershipBody {
  readonly pattern: string;
  readonly group: string;
}

/** `undefined` when it is none. */
export function readMembership(body: unknown): MembershipBody | undefined {
  const pattern = memberOf(body, 'pattern');
  const group = memberOf(body, 'group');
  if (typeof pattern !== 'string' || typeof group !== 'string') return undefined;
  return group === '' || group.length > GROUP_NAME_LENGTH ? undefined : { pattern, group };
}

/** What bridges and brokers tell of interest in a pattern for a group begins with this: no message that crosses matches it. */
export const GROUP_INTEREST_PREFIX = '-control/group/';

export interface Wanted {
  /** Canonical when what was read is. */
  readonly pattern: string;
  /** `undefined`: not for a group. */
  readonly group: string | undefined;
}

/** How interest in a pattern for a group is told among patterns: `-control/group/<name>/<pattern>`. */
export function groupInterest({ pattern, group }: MembershipBody): string {
  return `${GROUP_INTEREST_PREFIX}${group.replace(/[%/*]/g, escape)}/${pattern}`;
}

/** What is wanted, of what was told: a pattern, or one for a group. */
export function readWanted(interest: string): Wanted {
  if (!interest.startsWith(GROUP_INTEREST_PREFIX)) return { pattern: interest, group: undefined };
  const rest = interest.slice(GROUP_INTEREST_PREFIX.length);
  const [name = ''] = rest.split('/', 1);
  return { pattern: rest.slice(name.length + 1), group: name.replace(/%(25|2f|2a)/g, unescape) };
}

function escape(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16)}`;
}

function unescape(_: string, code: string): string {
  return String.fromCharCode(Number.parseInt(code, 16));
}

/**
 * What a member's copy carries in `GROUP_KEY`. Nobody else can write it: the nonce is known to that client and its broker only.
 * @param nonce - of the hello on the connection to the member; a bridge has chosen one for both its connections.
 */
export function markOf(nonce: string, group: string): string {
  return `${nonce}/${group}`;
}
