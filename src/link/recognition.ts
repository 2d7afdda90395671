// Which codec the other side speaks, by its first bytes: one port serves all.

import type { Codec, Connection } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { recognizeStranger } from './stranger.js';

/** What the first bytes told. */
export type Recognized =
  | { readonly codec: Codec; readonly first: Uint8Array }
  /** Who knocks speaks another protocol: it gets the answer in its own language. */
  | { readonly error: SpokeError; readonly answer: Uint8Array };

// More than any codec needs to recognise its own stream.
const MAX_RECOGNITION_BYTES = 64;

/** Listens to the beginning of one connection. */
export class Recognition {
  readonly #connection: Connection;
  readonly #candidates: readonly Codec[];
  #first: Uint8Array = new Uint8Array(0);

  constructor(connection: Connection, candidates: readonly Codec[]) {
    this.#connection = connection;
    this.#candidates = candidates;
  }

  /**
   * @returns `undefined` when more bytes are needed.
   * @throws {SpokeError} `UNKNOWN_CODEC`
   */
  hear(chunk: Uint8Array): Recognized | undefined {
    const { boundaries, peer } = this.#connection;
    const { address } = peer;
    const first = this.#first.length === 0 ? chunk : concat(this.#first, chunk);
    const stranger = boundaries === 'stream' ? recognizeStranger(first) : undefined;
    if (stranger !== undefined) {
      const text = `${address} speaks ${stranger.protocol}; this endpoint is for spoke clients`;
      return { error: new SpokeError('UNKNOWN_CODEC', text, { details: { address } }), answer: stranger.answer };
    }
    let undecided = false;
    for (const codec of this.#candidates) {
      const verdict = codec.recognizes(first);
      if (verdict === undefined) undecided = true;
      else if (verdict) return { codec, first };
    }
    if (!undecided || first.length > MAX_RECOGNITION_BYTES) {
      const names = this.#candidates.map((codec) => codec.name).join(', ');
      throw new SpokeError('UNKNOWN_CODEC', `${address} speaks none of: ${names}`);
    }
    this.#first = first === chunk ? chunk.slice() : first;
    return undefined;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
