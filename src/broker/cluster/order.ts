// The last number of each broker: what is not newer is a repetition, or a straggler that would come out of order.

/** Brokers remembered; the one that was quiet for longest is forgotten first. */
const MAX_ORIGINS = 4096;

export class Order {
  readonly #last = new Map<string, number>();

  get size(): number {
    return this.#last.size;
  }

  admits(origin: string, sequence: number): boolean {
    const last = this.#last.get(origin);
    if (last !== undefined && sequence <= last) return false;
    if (last === undefined && this.#last.size >= MAX_ORIGINS) {
      for (const first of this.#last.keys()) {
        this.#last.delete(first);
        break;
      }
    }
    this.#last.set(origin, sequence);
    return true;
  }

  forget(origin: string): void {
    this.#last.delete(origin);
  }
}
