// Which codec the other side speaks, by its first bytes: one port serves all.

import type { Codec, Connection, MessageView } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { Intake, Link } from './link.js';
import { recognizeStranger } from './stranger.js';

// More than any codec needs to recognise its own stream.
const MAX_RECOGNITION_BYTES = 64;

/** Listens to the beginning of one connection, and gives its link the codec. */
export class Recognition implements Intake<Link<MessageView, Codec>> {
  readonly #connection: Connection;
  readonly #candidates: readonly Codec[];
  #first: Uint8Array = new Uint8Array(0);

  constructor(connection: Connection, candidates: readonly Codec[]) {
    this.#connection = connection;
    this.#candidates = candidates;
  }

  get pendingBytes(): number {
    return this.#first.length;
  }

  /** @throws {SpokeError} `UNKNOWN_CODEC` */
  push(chunk: Uint8Array, link: Link<MessageView, Codec>): void {
    const { boundaries, peer } = this.#connection;
    const { address } = peer;
    const first = this.#first.length === 0 ? chunk : concat(this.#first, chunk);
    const stranger = boundaries === 'stream' ? recognizeStranger(first) : undefined;
    if (stranger !== undefined) {
      const text = `${address} speaks ${stranger.protocol}; this endpoint is for spoke clients`;
      link.refused(new SpokeError('UNKNOWN_CODEC', text, { details: { address } }));
      // In the language of who knocks.
      this.#connection.send(stranger.answer);
      link.end();
      return;
    }
    let undecided = false;
    for (const codec of this.#candidates) {
      const verdict = codec.recognizes(first);
      if (verdict === undefined) undecided = true;
      else if (verdict) {
        link.use(codec);
        link.take(first);
        return;
      }
    }
    if (!undecided || first.length > MAX_RECOGNITION_BYTES) {
      const names = this.#candidates.map((codec) => codec.name).join(', ');
      throw new SpokeError('UNKNOWN_CODEC', `${address} speaks none of: ${names}`);
    }
    this.#first = first === chunk ? chunk.slice() : first;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
