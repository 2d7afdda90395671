// The groups that have members beyond bridges, and how far away (docs/protocol.md#feature-groups).

import type { GroupRoute } from '../channels/index.js';
import { Router } from '../channels/index.js';
import type { Session } from './session.js';

/** Bridges behind which members of a group are, all equally far away. */
export interface GroupBeyond {
  readonly name: string;
  readonly distance: number;
  readonly bridges: GroupRoute<Session>;
}

const DIGITS = 2;
const NONE: readonly GroupBeyond[] = [];

/** Of one broker. */
export class GroupsBeyond {
  // Members at another distance are another group here, of which the nearest is asked first.
  readonly #router = new Router<Session>();

  /** As `Router.admit`. */
  admit(admits: ((bridge: Session, channel: string) => boolean) | undefined): void {
    this.#router.admit(admits);
  }

  want(bridge: Session, pattern: string, group: string, distance: number): void {
    this.#router.join(pattern, nameAt(group, distance), bridge);
  }

  forget(bridge: Session, pattern: string, group: string, distance: number): void {
    this.#router.leave(pattern, nameAt(group, distance), bridge);
  }

  /** Those that match a channel, the nearest first. */
  find(channel: string): readonly GroupBeyond[] {
    if (this.#router.size === 0) return NONE;
    const found = this.#router.find(channel).groups.map((bridges) => ({
      name: bridges.group.name.slice(DIGITS),
      distance: Number(bridges.group.name.slice(0, DIGITS)),
      bridges,
    }));
    return found.sort((a, b) => a.distance - b.distance);
  }
}

function nameAt(group: string, distance: number): string {
  return `${String(distance).padStart(DIGITS, '0')}${group}`;
}
