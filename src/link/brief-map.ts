// A map for what is in it briefly, thousands of entries a second through a few places: calls in flight.
//
// A `Map` makes a new table for every few deletions, and what an abandoned table held lives as long as the table: with three
// of them on the way of a call half of all its garbage grew old (2.2 kB a call, and five times the time for collecting it).
// Here entries lie in one array, in which they are looked for from a place that their key tells; nothing is made for one.

const FIRST_SIZE = 64;
/** Further from its place none is put: keys that were chosen to share one go to a `Map`. */
const FARTHEST = 32;

/** By texts. It grows with what is in it, and never shrinks: 16 bytes for each of twice the most entries that it had. */
export class BriefMap<V> {
  /** Unknown to those who choose keys. */
  readonly #seed = (Math.random() * 2 ** 32) | 0;
  #keys: (string | undefined)[] = empty(FIRST_SIZE);
  #values: (V | undefined)[] = empty(FIRST_SIZE);
  #mask = FIRST_SIZE - 1;
  #count = 0;
  readonly #crowded = new Map<string, V>();

  get size(): number {
    return this.#count + this.#crowded.size;
  }

  get(key: string): V | undefined {
    const at = this.#find(key);
    if (at >= 0) return this.#values[at];
    return this.#crowded.size === 0 ? undefined : this.#crowded.get(key);
  }

  set(key: string, value: V): void {
    const at = this.#find(key);
    if (at >= 0) this.#values[at] = value;
    else if (this.#crowded.has(key)) this.#crowded.set(key, value);
    else {
      if (this.#count * 2 > this.#mask) this.#grow();
      this.#put(key, value);
    }
  }

  delete(key: string): boolean {
    const at = this.#find(key);
    if (at < 0) return this.#crowded.delete(key);
    this.#count--;
    this.#close(at);
    return true;
  }

  /** All there are now, in no order. */
  values(): V[] {
    const all = [...this.#crowded.values()];
    for (const value of this.#values) if (value !== undefined) all.push(value);
    return all;
  }

  #find(key: string): number {
    const keys = this.#keys;
    const mask = this.#mask;
    for (let at = this.#placeOf(key), n = 0; n < FARTHEST; n++, at = (at + 1) & mask) {
      const one = keys[at];
      if (one === undefined) return -1;
      if (one === key) return at;
    }
    return -1;
  }

  #put(key: string, value: V): void {
    const keys = this.#keys;
    const mask = this.#mask;
    for (let at = this.#placeOf(key), n = 0; n < FARTHEST; n++, at = (at + 1) & mask) {
      if (keys[at] !== undefined) continue;
      keys[at] = key;
      this.#values[at] = value;
      this.#count++;
      return;
    }
    this.#crowded.set(key, value);
  }

  // Those behind it move up, so that each is found without a gap on the way.
  #close(gap: number): void {
    const keys = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    for (let at = (gap + 1) & mask; ; at = (at + 1) & mask) {
      const key = keys[at];
      if (key === undefined) break;
      // Not before its place.
      if (((at - this.#placeOf(key)) & mask) < ((at - gap) & mask)) continue;
      keys[gap] = key;
      values[gap] = values[at];
      gap = at;
    }
    keys[gap] = undefined;
    values[gap] = undefined;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const size = keys.length * 2;
    this.#keys = empty(size);
    this.#values = empty(size);
    this.#mask = size - 1;
    this.#count = 0;
    for (const [at, key] of keys.entries()) {
      const value = values[at];
      if (key !== undefined && value !== undefined) this.#put(key, value);
    }
  }

  #placeOf(key: string): number {
    return this.hash(key, this.#seed) & this.#mask;
  }

  /** Whole numbers of 32 bits, the lower of which matter. Tests have others. */
  protected hash(key: string, seed: number): number {
    let hash = seed;
    for (let i = 0; i < key.length; i++)
      hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ key.charCodeAt(i), 0x9e3779b1);
    return hash ^ (hash >>> 15);
  }
}

function empty<V>(size: number): (V | undefined)[] {
  return Array.from({ length: size }, () => undefined);
}
