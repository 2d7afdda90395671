// Texts that were met lately: exact, and bounded.

export class Recent {
  readonly #limit: number;
  readonly #known = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(text: string): boolean {
    return this.#known.has(text);
  }

  /** Returns whether it is new. The oldest is forgotten for it. */
  add(text: string): boolean {
    if (this.#known.has(text)) return false;
    this.#known.add(text);
    if (this.#known.size > this.#limit) {
      for (const oldest of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    }
    return true;
  }
}
