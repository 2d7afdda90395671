import { describe, expect, it } from '@jest/globals';

import { findCodec, JsonCodec, requireDistinctCodecs } from '../../../src/codecs/index.js';

describe('finding a codec', () => {
  const json = new JsonCodec();

  it('finds it by its name', () => {
    expect(findCodec([json], 'json')).toBe(json);
  });

  it('lists the names there are when there is none', () => {
    expect(() => findCodec([json], 'cbor')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_CODEC', message: "there is no codec 'cbor'; known: json" }),
    );
    expect(() => findCodec([], 'cbor')).toThrow(/known: none/);
  });

  it('refuses two of one name', () => {
    const both = [json, new JsonCodec()];
    expect(() => findCodec(both, 'json')).toThrow(expect.objectContaining({ code: 'DUPLICATE' }));
    expect(() => requireDistinctCodecs(both)).toThrow(/two codecs are called 'json'/);
    expect(requireDistinctCodecs([json])).toEqual([json]);
  });
});
