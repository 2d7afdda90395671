import { describe, it } from '@jest/globals';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { MemoryTransport } from '../../../src/transports/index.js';

for (const scribble of [false, true]) {
  transportSuite({ describe, it }, scribble ? 'memory (reusing its buffer)' : 'memory', () => {
    let endpoints = 0;
    return { transport: new MemoryTransport({ scribble }), newUrl: () => `memory://suite-${++endpoints}` };
  });
}
