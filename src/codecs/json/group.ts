// A `-group` that is the first member of a head: it tells a member of a group that this copy is for it. Few are in use, one
// for each member, so each is made ready once.

import type { Openings } from './id.js';
import { copyText, KnownText } from './words.js';

/** Members that are sent to in turn; more of them, and all are made ready again. */
const MOST = 256;
const NONE = new KnownText('{"head": {"-group": "');

export class GroupOpenings implements Openings {
  readonly #known = new Map<string, KnownText>();
  #next = NONE;

  prepare(group: string): number {
    let opening = this.#known.get(group);
    if (opening === undefined) {
      if (this.#known.size >= MOST) this.#known.clear();
      this.#known.set(group, (opening = new KnownText(`{"head": {"-group": ${JSON.stringify(group)}, `)));
    }
    this.#next = opening;
    return opening.length;
  }

  write(target: DataView, start: number): number {
    return copyText(this.#next.data, 0, this.#next.length, target, start);
  }
}
