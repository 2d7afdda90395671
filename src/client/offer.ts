// What the present broker offers beyond the base protocol, and finding out when it does not say.

const NOTHING: ReadonlySet<string> = new Set();

export class Offer {
  readonly #flush: () => Promise<void>;
  readonly #listeners: ((features: ReadonlySet<string>) => void)[] = [];
  #features: ReadonlySet<string> | undefined;
  #connection = 0;
  #asked = 0;

  /** @param flush - resolves when the broker has handled everything sent before; waits for a connection. */
  constructor(flush: () => Promise<void>) {
    this.#flush = flush;
  }

  /** `undefined`: not known yet, or there is no connection. */
  get features(): ReadonlySet<string> | undefined {
    return this.#features;
  }

  /** Is told on each connection, as soon as it is known. */
  onDecided(listener: (features: ReadonlySet<string>) => void): void {
    this.#listeners.push(listener);
  }

  /** Sees to it that it becomes known: a broker that offers nothing says nothing, and what tells then is a ping. */
  ask(): void {
    const connection = this.#connection;
    if (this.#features !== undefined || this.#asked > connection) return;
    this.#asked = connection + 1;
    this.#flush().then(
      () => {
        if (this.#connection === connection && this.#features === undefined) this.decide(NOTHING);
      },
      // The client has closed.
      () => {},
    );
  }

  decide(features: ReadonlySet<string>): void {
    this.#features = features;
    for (const listener of this.#listeners) listener(features);
  }

  /** The connection has ended. */
  lost(): void {
    this.#features = undefined;
    this.#connection++;
  }
}
