// Any network of bridges, under any misfortune: docs/bridges.md#what-is-promised.
//
//   SPOKE_BRIDGE_SEEDS=500 npm run --silent jest -- test/unit/bridge/simulation    so many networks; default 6
//   SPOKE_BRIDGE_SEED=1234 npm run --silent jest -- test/unit/bridge/simulation    from this seed on; alone: this one

import { describe, expect, it } from '@jest/globals';

import { World } from './world.js';

const { SPOKE_BRIDGE_SEED: first, SPOKE_BRIDGE_SEEDS: count = first === undefined ? '6' : '1' } = process.env;
const seeds = Array.from({ length: Number(count) }, (_, n) => Number(first ?? 1) + n);

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
        world.checkKept();
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
