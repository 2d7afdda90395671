import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { widenedToEnd } from '../../../src/backplanes/widened.js';
import { Wants } from '../../../src/broker/cluster/wants.js';
import { canonical, includes } from '../../../src/channels/index.js';

const token = fc.constantFrom('a', 'b', '*', '**');
const pattern = fc.array(token, { maxLength: 4 }).map((parts) => canonical(parts.join('/')));

class Plane {
  readonly patterns = new Set<string>();
  readonly widened = widenedToEnd;

  subscribe(wanted: string): void {
    expect(this.patterns.has(wanted)).toBe(false);
    this.patterns.add(wanted);
  }

  unsubscribe(wanted: string): void {
    expect(this.patterns.delete(wanted)).toBe(true);
  }
}

describe('what a broker asks the others for', () => {
  it('covers all that is wanted, in as few patterns as that takes', () => {
    const step = fc.record({ add: fc.boolean(), pattern, apply: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const plane = new Plane();
        const wants = new Wants(plane);
        const wanted: string[] = [];
        for (const { add, pattern: one, apply } of [...steps, { add: true, pattern: 'z', apply: true }]) {
          if (add) {
            wanted.push(one);
            wants.add(one);
          } else if (wanted.includes(one)) {
            wanted.splice(wanted.indexOf(one), 1);
            wants.remove(one);
          }
          if (!apply) continue;
          wants.apply();
          const all = new Set(wanted.map(widenedToEnd));
          const maximal = [...all].filter((p) => ![...all].some((q) => q !== p && includes(q, p)));
          expect([...plane.patterns].sort()).toEqual(maximal.sort());
        }
      }),
    );
  });

  it('is everything when it would be too many patterns, until they are half as many', () => {
    const plane = new Plane();
    const wants = new Wants(plane, 10);
    for (let n = 0; n < 11; n++) wants.add(`c/${n}`);
    wants.apply();
    expect([...plane.patterns]).toEqual(['**']);
    for (let n = 0; n < 3; n++) wants.remove(`c/${n}`);
    wants.apply();
    expect([...plane.patterns]).toEqual(['**']);
    for (let n = 3; n < 6; n++) wants.remove(`c/${n}`);
    wants.apply();
    expect([...plane.patterns].sort()).toEqual(['c/10', 'c/6', 'c/7', 'c/8', 'c/9']);
  });

  it('is told again only when it has grown', () => {
    const wants = new Wants(new Plane());
    wants.add('a/**');
    expect(wants.apply()).toBe(true);
    wants.add('a/b');
    expect(wants.apply()).toBe(false);
    wants.remove('a/**');
    expect(wants.apply()).toBe(true);
    expect(wants.size).toBe(1);
    wants.remove('a/b');
    expect(wants.apply()).toBe(false);
  });

  it('leaves control messages out', () => {
    const plane = new Plane();
    const wants = new Wants(plane);
    wants.add('-control/**');
    wants.apply();
    expect(plane.patterns.size).toBe(0);
  });
});
