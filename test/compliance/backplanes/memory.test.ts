import { describe, it } from '@jest/globals';

import { MemoryEngine } from '../../../src/backplanes/index.js';
import { systemClock } from '../../../src/link/index.js';
import { backplaneSuite } from '../../../src/testing/backplane-suite.js';

for (const [name, latency] of [
  ['memory', 0],
  ['slow memory', 3],
] as const) {
  backplaneSuite({ describe, it }, name, () => {
    const engine = new MemoryEngine({ clock: systemClock, latency: () => latency });
    let made = 0;
    return {
      make: () => engine.backplane(`broker-${++made}`),
      stop: () => engine.stop(),
      start: () => engine.start(),
    };
  });
}
