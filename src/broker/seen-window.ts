// The numbers of one origin that were seen: the highest, and a bit for each of the 1,024 or more up to it.

/** Numbers that are told apart, unless it is said otherwise: older ones count as seen. */
export const WINDOW = 1024;
const ALL = 0xffff_ffff;
const HIGHEST_BYTES = 8;

export class SeenWindow {
  readonly #size: number;
  #highest = 0;
  // Number `n` is bit `n % #size`. Made when a number is left out, which most origins never do.
  #bits: Uint32Array | undefined;

  /** @param size - numbers that are told apart: a multiple of 32. */
  constructor(size = WINDOW) {
    this.#size = size;
  }

  /** As it was when it was saved. What was not saved by one of this size is an empty window. */
  static restore(saved: Uint8Array, size = WINDOW): SeenWindow {
    const window = new SeenWindow(size);
    if (saved.length < HIGHEST_BYTES) return window;
    const data = new DataView(saved.buffer, saved.byteOffset, saved.length);
    window.#highest = data.getFloat64(0, true);
    if (saved.length < HIGHEST_BYTES + size / 8) return window;
    window.#bits = Uint32Array.from({ length: size / 32 }, (_, i) => data.getUint32(HIGHEST_BYTES + 4 * i, true));
    return window;
  }

  has(sequence: number): boolean {
    if (sequence > this.#highest) return false;
    return this.#bits === undefined || sequence <= this.#highest - this.#size || bit(this.#bits, sequence);
  }

  /** Returns whether it is new. */
  add(sequence: number): boolean {
    const before = this.#highest;
    if (sequence <= before) {
      if (this.has(sequence)) return false;
      if (this.#bits !== undefined) set(this.#bits, sequence);
      return true;
    }
    this.#highest = sequence;
    if (sequence === before + 1) {
      if (this.#bits !== undefined) set(this.#bits, sequence);
      return true;
    }
    const left = sequence - before;
    // What comes first for this broker need not be the first of its origin: what is older was never wanted here.
    if (this.#bits === undefined) this.#bits = new Uint32Array(this.#size / 32).fill(before === 0 ? 0 : ALL);
    if (left >= this.#size) this.#bits.fill(0);
    else for (let n = before + 1; n < sequence; n++) clear(this.#bits, n);
    set(this.#bits, sequence);
    return true;
  }

  /** It is new again, unless it is too old to be. */
  remove(sequence: number): void {
    if (sequence > this.#highest || sequence <= this.#highest - this.#size) return;
    this.#bits ??= new Uint32Array(this.#size / 32).fill(ALL);
    clear(this.#bits, sequence);
  }

  /** 8 bytes when all up to the highest was seen, and a bit for each that is told apart otherwise. */
  save(): Uint8Array {
    const bits = this.#bits?.every((word) => word === ALL) === false ? this.#bits : undefined;
    const saved = new Uint8Array(HIGHEST_BYTES + (bits === undefined ? 0 : this.#size / 8));
    const data = new DataView(saved.buffer);
    data.setFloat64(0, this.#highest, true);
    bits?.forEach((word, i) => data.setUint32(HIGHEST_BYTES + 4 * i, word, true));
    return saved;
  }
}

function bit(bits: Uint32Array, sequence: number): boolean {
  return ((word(bits, sequence) >>> (sequence & 31)) & 1) === 1;
}

function word(bits: Uint32Array, sequence: number): number {
  return bits[indexOf(bits, sequence)] ?? 0;
}

function set(bits: Uint32Array, sequence: number): void {
  bits[indexOf(bits, sequence)] = word(bits, sequence) | (1 << (sequence & 31));
}

function clear(bits: Uint32Array, sequence: number): void {
  bits[indexOf(bits, sequence)] = word(bits, sequence) & ~(1 << (sequence & 31));
}

// Numbers reach past 32 bits.
function indexOf(bits: Uint32Array, sequence: number): number {
  return (sequence % (bits.length * 32)) >>> 5;
}
