// Ids for messages of brokers that give none: by what they say, so that two bridges on one broker name them alike.

import type { MessageView } from '../contracts/index.js';

/** Contents remembered, to tell the second occurrence from the first. */
const REMEMBERED = 16_384;

/** Names the messages of one broker, in the order in which they come. */
export class ContentIds {
  readonly #occurrences = new Map<string, number>();
  readonly #float = new Float64Array(1);
  readonly #timeBytes = new Uint8Array(this.#float.buffer);

  /** An id of channel, time and body, and how often the same came before. */
  idOf({ head, time = 0, bytes, bodyStart, bodyEnd }: MessageView): string {
    this.#float[0] = time;
    const hash = new Hash();
    for (let i = 0; i < head.channel.length; i++) hash.add(head.channel.charCodeAt(i));
    for (const byte of this.#timeBytes) hash.add(byte);
    for (let i = bodyStart; i < bodyEnd; i++) hash.add(bytes[i] ?? 0);
    const origin = `~${hash.text}`;
    const occurrence = (this.#occurrences.get(origin) ?? 0) + 1;
    this.#occurrences.delete(origin);
    this.#occurrences.set(origin, occurrence);
    if (this.#occurrences.size > REMEMBERED) {
      const [oldest = ''] = this.#occurrences.keys();
      this.#occurrences.delete(oldest);
    }
    return `${origin}:${occurrence}`;
  }
}

/**
 * 106 bits that differ when the contents do: two multiplicative hashes of 53 bits (cyrb53, public domain) side by side. Not
 * for secrets: whoever forges an equal one has a message of his own dropped.
 */
class Hash {
  #a = 0x9e3779b1;
  #b = 0x85ebca6b;
  #c = 0xdeadbeef;
  #d = 0x41c6ce57;

  add(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 2654435761);
    this.#b = Math.imul(this.#b ^ value, 1597334677);
    this.#c = Math.imul(((this.#c << 13) | (this.#c >>> 19)) ^ value, 0xc2b2ae35);
    this.#d = Math.imul(((this.#d << 7) | (this.#d >>> 25)) ^ value, 0x27d4eb2f);
  }

  get text(): string {
    return [
      this.#a ^ (this.#b >>> 16),
      this.#b ^ (this.#a >>> 13),
      this.#c ^ (this.#d >>> 15),
      this.#d ^ (this.#c >>> 11),
    ]
      .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }
}
