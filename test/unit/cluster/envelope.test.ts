import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { Kind, readEnvelope, writeEnvelope } from '../../../src/broker/cluster/envelope.js';

describe('what brokers of a cluster send each other', () => {
  it('is read as it was written', () => {
    const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 100 });
    const envelope = fc.record({
      kind: fc.constantFrom(Kind.Live, Kind.Kept, Kind.Again),
      origin: ascii,
      sequence: fc.nat(),
      time: fc.double({ noNaN: true }),
      codec: ascii,
      id: ascii,
    });
    fc.assert(
      fc.property(envelope, fc.uint8Array(), (written, frame) => {
        const data = writeEnvelope(written, { block: frame, start: 0, end: frame.length });
        const read = readEnvelope(data);
        expect({ ...read, frame: [...(read?.frame ?? [])] }).toEqual({ ...written, frame: [...frame] });
      }),
    );
  });

  it('is refused when it is anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        const read = readEnvelope(data);
        if (read !== undefined) expect(read.frame.length).toBeLessThan(data.length);
      }),
    );
    const data = writeEnvelope({ kind: Kind.Cleared, origin: 'x', sequence: 1, time: 1, codec: '', id: '' });
    expect(readEnvelope(data.subarray(0, 20))).toBeUndefined();
    expect(readEnvelope(Uint8Array.of(9, ...data.subarray(1)))).toBeUndefined();
  });
});
