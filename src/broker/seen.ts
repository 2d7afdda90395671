// Which messages were here already, by their ids (docs/protocol.md#message-identity): what comes by two bridges, or is
// published again after a reconnect, is applied once. Bounded: see docs/limits.md.

import { SeenWindow, WINDOW } from './seen-window.js';

const DEFAULT_ORIGINS = 4096;
const DEFAULT_CONTENTS = 16_384;
/** An id by content begins with this: every message has an origin of its own, so nothing is gained by numbers. */
const BY_CONTENT = '~';
/** `<origin>:<n>`, counted from 1, and perhaps a second one after a semicolon. A message with any other id has none. */
const ID = /^([\w~-]{1,64}):([1-9]\d{0,14})(?:;([\w~-]{1,64}):([1-9]\d{0,14}))?$/;

export interface SeenOptions {
  /** Origins remembered; the one that was quiet for longest is forgotten first. */
  readonly origins?: number;
  /** Ids by content remembered, the oldest forgotten first. */
  readonly contents?: number;
  /** Numbers of one origin that are told apart, a multiple of 32: older ones count as seen. Default 1024. */
  readonly window?: number;
  /** Told of an origin that was forgotten. */
  readonly forgotten?: (origin: string) => void;
}

/** An id, taken apart. */
export interface MessageId {
  readonly origin: string;
  readonly sequence: number;
  /** What it was called before it was numbered for its way across bridges: another copy may have been numbered elsewhere. */
  readonly alias?: MessageId;
}

/** Takes an id apart; `undefined` when it is none. */
export function readId(id: string): MessageId | undefined {
  const [, origin, sequence, alias, aliasSequence] = ID.exec(id) ?? [];
  if (origin === undefined) return undefined;
  return {
    origin,
    sequence: Number(sequence),
    ...(alias !== undefined && { alias: { origin: alias, sequence: Number(aliasSequence) } }),
  };
}

/** The ids that one broker has seen. */
export class Seen {
  readonly #maxOrigins: number;
  readonly #maxContents: number;
  readonly #windowSize: number;
  readonly #forgotten: (origin: string) => void;
  // The latest last.
  readonly #origins = new Map<string, SeenWindow>();
  readonly #contents = new Set<string>();
  #latest: SeenWindow | undefined;
  #latestOrigin = '';

  constructor(options: SeenOptions = {}) {
    const { origins = DEFAULT_ORIGINS, contents = DEFAULT_CONTENTS, window = WINDOW, forgotten = () => {} } = options;
    this.#maxOrigins = origins;
    this.#maxContents = contents;
    this.#windowSize = window;
    this.#forgotten = forgotten;
  }

  /** Origins remembered. */
  get size(): number {
    return this.#origins.size;
  }

  has({ origin, sequence }: MessageId): boolean {
    if (origin.startsWith(BY_CONTENT)) return this.#contents.has(`${origin}:${sequence}`);
    return (origin === this.#latestOrigin ? this.#latest : this.#origins.get(origin))?.has(sequence) === true;
  }

  /** Whether anything of this origin was seen. */
  knows(origin: string): boolean {
    return this.#origins.has(origin);
  }

  /** Returns whether it is new. */
  add(id: MessageId): boolean {
    const { origin, sequence } = id;
    if (origin.startsWith(BY_CONTENT)) return this.#addContent(`${origin}:${sequence}`);
    return this.#window(origin).add(sequence);
  }

  /** It was not applied after all, and is new when it comes again. Not by content. */
  remove({ origin, sequence }: MessageId): void {
    this.#origins.get(origin)?.remove(sequence);
  }

  /** What is known of an origin, as bytes for `restore`. */
  save(origin: string): Uint8Array {
    return this.#window(origin).save();
  }

  /** Takes what was saved of an origin of which nothing is known yet. */
  restore(origin: string, saved: Uint8Array): void {
    this.#keep(origin, SeenWindow.restore(saved, this.#windowSize));
  }

  #window(origin: string): SeenWindow {
    if (origin === this.#latestOrigin && this.#latest !== undefined) return this.#latest;
    return this.#keep(origin, this.#origins.get(origin) ?? new SeenWindow(this.#windowSize));
  }

  #keep(origin: string, window: SeenWindow): SeenWindow {
    this.#origins.delete(origin);
    this.#origins.set(origin, window);
    this.#latest = window;
    this.#latestOrigin = origin;
    if (this.#origins.size > this.#maxOrigins) {
      const forgotten = forgetFirst(this.#origins);
      if (forgotten !== undefined) this.#forgotten(forgotten);
    }
    return window;
  }

  #addContent(id: string): boolean {
    if (this.#contents.has(id)) return false;
    this.#contents.add(id);
    if (this.#contents.size > this.#maxContents) forgetFirst(this.#contents);
    return true;
  }
}

function forgetFirst(all: { keys(): IterableIterator<string>; delete(key: string): boolean }): string | undefined {
  const first = all.keys().next();
  if (first.done === true) return undefined;
  all.delete(first.value);
  return first.value;
}
