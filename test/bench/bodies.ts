// What is sent: bodies of an exact length, numbered so that a receiver knows what is missing.

/** Numbers begin here, so that all have as many digits. */
export const FIRST_NUMBER = 1_000_000;

export interface Body {
  /** Counts up, for each publisher. */
  seq: number;
  /** The publisher, 10 or more: two digits. */
  from: number;
  x: number;
  y: number;
  text: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789 ';

/** An object whose JSON text has exactly `bytes` bytes, for seven-digit numbers. */
export function makeBody(bytes: number, from = 10): Body {
  const body: Body = { seq: FIRST_NUMBER, from, x: 1.25, y: -0.5, text: '' };
  const rest = bytes - JSON.stringify(body).length;
  if (rest < 0) throw new RangeError(`a body takes ${bytes - rest} bytes at least`);
  return { ...body, text: LETTERS.repeat(Math.ceil(rest / LETTERS.length)).slice(0, rest) };
}

export function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && 'seq' in value && 'from' in value;
}

/** Notices messages that are lost, doubled or out of order. */
export class OrderCheck {
  readonly #next = new Map<number, number>();

  check(value: unknown): void {
    if (!isBody(value)) throw new TypeError('received something that no publisher of the benchmark sent');
    const { seq, from } = value;
    const expected = this.#next.get(from) ?? FIRST_NUMBER;
    if (seq !== expected) throw new Error(`publisher ${from}: message ${seq} came where ${expected} was due`);
    this.#next.set(from, seq + 1);
  }
}
