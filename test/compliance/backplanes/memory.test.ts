import { describe, it } from '@jest/globals';

import { MemoryEngine } from '../../../src/backplanes/index.js';
import { systemClock } from '../../../src/link/index.js';
import { backplaneSuite } from '../../../src/testing/backplane-suite.js';

for (const [name, latency] of [
  ['memory', 0],
  ['slow memory', 3],
] as const) {
  const makeSetup = () => {
    const history = [{ pattern: 'h/**', maxMessages: 10_000 }];
    const engine = new MemoryEngine({ clock: systemClock, latency: () => latency, history });
    let made = 0;
    return {
      make: () => engine.backplane(`broker-${++made}`),
      stop: () => engine.stop(),
      start: () => engine.start(),
    };
  };
  backplaneSuite({ describe, it }, name, makeSetup, { history: true });
}
