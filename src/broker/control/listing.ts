// Lists kept messages in portions, in the order of channels. To find and sort them again for each portion would take minutes
// of a million, so the channels of the last listing that is not done are remembered.

import type { MessageStore, StoredMessage } from '../../contracts/index.js';
import type * as keptControl from '../../link/kept-control.js';
import type { Session } from '../session.js';

// Of one portion, in UTF-16 units of channels.
const PORTION_TEXT = 256 * 1024;

/** What one request asks for. */
export interface ListRequest {
  /** Canonical. */
  readonly pattern: string;
  /** Begins with the first channel after this one. */
  readonly after: string | undefined;
  readonly limit: number;
  /** Whether it may be told of a channel. */
  readonly admits: (channel: string) => boolean;
}

interface Listing {
  readonly session: Session;
  readonly pattern: string;
  readonly channels: readonly string[];
  next: number;
}

/** Of one broker. */
export class Listings {
  readonly #store: MessageStore;
  // One alone, so that whoever begins many and ends none fills no memory. Two at a time are slow, and right.
  #unfinished: Listing | undefined;

  constructor(store: MessageStore) {
    this.#store = store;
  }

  list(session: Session, request: ListRequest): { entries: keptControl.KeptEntry[]; more: boolean } {
    const { pattern, after, limit, admits } = request;
    const listing = this.#resumed(session, pattern, after) ?? this.#begun(session, request);
    const { channels } = listing;
    const entries: keptControl.KeptEntry[] = [];
    for (let text = 0; listing.next < channels.length && entries.length < limit && text <= PORTION_TEXT;) {
      const channel = channels[listing.next++] ?? '';
      const message = this.#store.get(channel);
      // Gone since it was found, or not for this one any more.
      if (message === undefined || !admits(channel)) continue;
      text += channel.length;
      entries.push(entryOf(message));
    }
    const more = listing.next < channels.length;
    this.#unfinished = more ? listing : undefined;
    return { entries, more };
  }

  /** The session ended. */
  forget(session: Session): void {
    if (this.#unfinished?.session === session) this.#unfinished = undefined;
  }

  #resumed(session: Session, pattern: string, after: string | undefined): Listing | undefined {
    const listing = this.#unfinished;
    if (listing?.session !== session || listing.pattern !== pattern || after === undefined) return undefined;
    return listing.channels[listing.next - 1] === after ? listing : undefined;
  }

  #begun(session: Session, { pattern, after, admits }: ListRequest): Listing {
    const channels: string[] = [];
    for (const { channel } of this.#store.match(pattern))
      if ((after === undefined || channel > after) && admits(channel)) channels.push(channel);
    return { session, pattern, channels: channels.sort(), next: 0 };
  }
}

/** A message without its body. */
export function entryOf({ channel, time, frame, expires }: StoredMessage): keptControl.KeptEntry {
  return { channel, time, bytes: frame.length, ...(expires !== undefined && { expires }) };
}
