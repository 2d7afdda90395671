// Heads that were seen before, by their bytes. As for JSON: one slot for each hash, compared byte for byte, kept when
// seen twice in a row, so that heads which never repeat cost no copy and push out none that do.

import type { Limits } from '../../contracts/index.js';
import { depthOf } from '../head-rules.js';
import type { MsgpackHead } from './head.js';

const SLOTS = 4096;
const MAX_HEAD_BYTES = 512;

export class KnownHead {
  readonly head: MsgpackHead;
  /** The head's bytes, without those of the time and of an id that is the first member. */
  readonly key: Uint8Array;
  readonly timed: boolean;
  readonly identified: boolean;
  readonly #depth: number;

  constructor(head: MsgpackHead, key: Uint8Array, timed: boolean, identified: boolean) {
    this.head = head;
    this.key = key;
    this.timed = timed;
    this.identified = identified;
    this.#depth = depthOf(head.channel);
  }

  /** Whether a reader with these limits would have taken it; the memory is shared by all readers of a codec. */
  within(limits: Limits): boolean {
    return this.head.channel.length <= limits.channelLength && this.#depth <= limits.channelDepth;
  }
}

export class HeadMemo {
  readonly #known: (KnownHead | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  readonly #seen = new Int32Array(SLOTS);

  candidate(hash: number): KnownHead | undefined {
    return this.#known[hash & (SLOTS - 1)];
  }

  /** @param known - made when it is wanted: not for the first of its hash. */
  remember(hash: number, bytes: number, known: () => KnownHead): KnownHead | undefined {
    if (bytes > MAX_HEAD_BYTES) return undefined;
    const slot = hash & (SLOTS - 1);
    if (this.#seen[slot] !== hash) {
      this.#seen[slot] = hash;
      return undefined;
    }
    return (this.#known[slot] = known());
  }
}
