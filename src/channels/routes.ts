/**
 * Maps channels to targets, such as the subscriptions of a client. Targets are compared by identity. Every channel and
 * pattern must be canonical (see `canonical`).
 */
export interface Routes<T extends object> {
  /** False when the target already had that pattern; nothing changes then. */
  subscribe(pattern: string, target: T): boolean;
  /** False when the target did not have that pattern. */
  unsubscribe(pattern: string, target: T): boolean;
  /**
   * The targets with at least one pattern that matches the channel, each once.
   *
   * They come in the order in which they entered, on every channel alike. A target enters with a first subscription and
   * leaves with its last. The array must not be modified. It is never changed either, so iterating over it is safe while
   * subscriptions come and go: these show in the array of the next call.
   */
  route(channel: string): readonly T[];
  /** Removes every subscription. */
  clear(): void;
}

/** Subscribers of one name, of whom one gets each message. */
export interface Group {
  readonly name: string;
  /** Whose turn it is: for whoever chooses. */
  turn: number;
}

/** The members of a group that match a channel. */
export interface GroupRoute<T extends object> {
  readonly group: Group;
  /** At least one; each once, in the order in which they entered the group. */
  readonly members: readonly T[];
}

/** Who gets the messages of a channel. Must not be modified, and is never changed. */
export interface Route<T extends object> {
  readonly targets: readonly T[];
  /** Apart from them: of each of these, one member. */
  readonly groups: readonly GroupRoute<T>[];
}
