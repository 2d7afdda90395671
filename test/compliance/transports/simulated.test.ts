import { describe, it } from '@jest/globals';
import { memoryNetwork, transportSuite } from '../../../src/testing/index.js';

let seed = 0;

// The suite knows nothing of virtual time, so here it passes by itself.
transportSuite({ describe, it }, 'the simulated network of spoke/testing', () => {
  let endpoints = 0;
  const net = memoryNetwork({ seed: ++seed });
  const passing = setInterval(() => void net.advance('100 ms'), 10);
  return {
    transport: net.transport('member'),
    newUrl: () => `memory://here-${++endpoints}`,
    close: () => clearInterval(passing),
  };
});
