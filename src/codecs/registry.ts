// Codecs by name, as configuration and stored messages refer to them.

import type { Codec } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';

/**
 * The same codecs, each name once.
 * @throws {SpokeError} `DUPLICATE`
 */
export function requireDistinctCodecs(codecs: readonly Codec[]): readonly Codec[] {
  const names = new Set<string>();
  for (const { name } of codecs) {
    if (names.has(name)) {
      throw new SpokeError('DUPLICATE', `two codecs are called '${name}'`, { details: { codec: name } });
    }
    names.add(name);
  }
  return codecs;
}

/**
 * The codec with this name.
 * @throws {SpokeError} `UNKNOWN_CODEC`; `DUPLICATE` when two codecs share a name, whichever is asked for.
 */
export function findCodec(codecs: readonly Codec[], name: string): Codec {
  const found = requireDistinctCodecs(codecs).find((codec) => codec.name === name);
  if (found !== undefined) return found;
  const known = codecs.map((codec) => codec.name).join(', ') || 'none';
  throw new SpokeError('UNKNOWN_CODEC', `there is no codec '${name}'; known: ${known}`, { details: { codec: name } });
}
