// What comes in on one connection, as far as it has to be watched.

/** Messages that a connection may send: so many a second, and as many at once. */
interface Bucket {
  /** Below 0: so many came too early. */
  tokens: number;
  /** When that was, in milliseconds. */
  at: number;
  readonly perSecond: number;
}

/** Of one session. */
export class Inflow {
  /** Bytes of a message that has not ended. */
  unfinished = 0;
  /** Messages when it was looked at last. */
  frames = 0;
  /** Bytes since it was last the turn of the others. */
  bytes = 0;
  /** It has sent a whole message. */
  greeted = false;
  /** Ends the wait for the first one. */
  cancelGreeting: (() => void) | undefined;
  /** Ends the wait for the next ones. */
  cancelWait: (() => void) | undefined;
  /** It was told that it sends too fast. */
  told = false;
  #bucket: Bucket | undefined;

  constructor(perSecond: number) {
    this.limit(perSecond);
  }

  /** From now on so many may come. */
  limit(perSecond: number): void {
    if (perSecond === this.#bucket?.perSecond) return;
    this.#bucket = perSecond === Infinity ? undefined : { tokens: perSecond, at: -Infinity, perSecond };
  }

  /** Whether messages are counted. */
  get metered(): boolean {
    return this.#bucket !== undefined;
  }

  /** So many messages have come. Returns for how many milliseconds no more should. */
  spend(messages: number, now: number): number {
    const bucket = this.#bucket;
    if (bucket === undefined) return 0;
    const { perSecond } = bucket;
    bucket.tokens = Math.min(bucket.tokens + ((now - bucket.at) * perSecond) / 1000, perSecond) - messages;
    bucket.at = now;
    return bucket.tokens >= 0 ? 0 : (-bucket.tokens * 1000) / perSecond;
  }
}
