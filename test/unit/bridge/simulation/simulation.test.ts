// Any network of bridges, under any misfortune: docs/bridges.md#what-is-promised.
//
//   SPOKE_BRIDGE_SEEDS=500 npm run --silent jest -- test/unit/bridge/simulation     so many networks; default 6
//   SPOKE_BRIDGE_SEED=1234 npm run --silent jest -- test/unit/bridge/simulation     that one

import { describe, expect, it } from '@jest/globals';

import { World } from './world.js';

const one = process.env['SPOKE_BRIDGE_SEED'];
const count = Number(process.env['SPOKE_BRIDGE_SEEDS'] ?? 6);
const first = one === undefined ? 1 : Number(one);
const seeds = Array.from({ length: one === undefined ? count : 1 }, (_, n) => first + n);

describe('a network of brokers and bridges', () => {
  it.each(seeds)(
    'delivers once and in order, keeps the same everywhere, and comes to rest (seed %i)',
    async (seed) => {
      const world = new World(seed);
      try {
        await world.start();
        await world.calm(60);
        world.checkKept();
        await world.storm(25);
        await world.calm(60);
        world.checkKept();
        await world.checkCalls();
        await world.checkQuiet();
      } finally {
        await world.close();
      }
      expect({ seed, topology: world.topology.name, problems: world.problems.slice(0, 10) }).toEqual({
        seed,
        topology: world.topology.name,
        problems: [],
      });
    },
    60_000,
  );
});
