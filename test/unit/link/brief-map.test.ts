import { describe, expect, it } from '@jest/globals';
import { BriefMap } from '../../../src/link/brief-map.js';
import { fc } from '../../support/fast-check.js';

/** Many keys with one place. */
class CrowdedMap extends BriefMap<number> {
  protected override hash(key: string): number {
    return key.length;
  }
}

const key = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.nat(60).map(String),
  fc.nat(400).map((n) => `x${n}`),
);
const steps = fc.array(fc.tuple(fc.constantFrom('set', 'set', 'delete'), key, fc.nat()), { maxLength: 600 });

describe.each([
  ['keys that spread', () => new BriefMap<number>()],
  ['keys that were chosen to share a place', () => new CrowdedMap()],
])('A map for what is in it briefly, with %s', (_, make) => {
  it('holds what a Map holds', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const map = make();
        const model = new Map<string, number>();
        for (const [what, one, value] of all) {
          if (what === 'set') {
            map.set(one, value);
            model.set(one, value);
          } else expect(map.delete(one)).toBe(model.delete(one));
          expect(map.size).toBe(model.size);
          expect(map.get(one)).toBe(model.get(one));
        }
        for (const [, one] of all) expect(map.get(one)).toBe(model.get(one));
        expect(map.values().sort((a, b) => a - b)).toEqual([...model.values()].sort((a, b) => a - b));
      }),
    );
  });

  it('forgets all that went, when thousands come and go', () => {
    const map = make();
    const name = (n: number) => `robots/arm/-rpc/-abc/${n}/call`;
    for (let n = 0; n < 20_000; n++) {
      map.set(name(n), n);
      if (n >= 100) expect(map.delete(name(n - 100))).toBe(true);
      expect(map.get(name(n - 50))).toBe(n < 50 ? undefined : n - 50);
    }
    expect(map.size).toBe(100);
  });
});
