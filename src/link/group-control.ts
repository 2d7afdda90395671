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

/**
 * What a member's copy carries in `GROUP_KEY`. Nobody else can write it: the nonce is known to that client and its broker only.
 * @param nonce - of the hello on the connection to the member.
 */
export function markOf(nonce: string, group: string): string {
  return `${nonce}/${group}`;
}
