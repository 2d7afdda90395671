// A cluster under any misfortune of brokers and engine: docs/guide/cluster.md#what-is-promised.
//
//   SPOKE_CLUSTER_SEEDS=500 npm run --silent jest -- test/unit/cluster/simulation    so many runs; default 6
//   SPOKE_CLUSTER_SEED=1234 npm run --silent jest -- test/unit/cluster/simulation    from this seed on; alone: this one

import { describe, expect, it } from '@jest/globals';

import { ClusterWorld } from './cluster-world.js';

const { SPOKE_CLUSTER_SEED: first, SPOKE_CLUSTER_SEEDS: count = first === undefined ? '6' : '1' } = process.env;
const seeds = Array.from({ length: Number(count) }, (_, n) => Number(first ?? 1) + n);

describe('a cluster on an engine', () => {
  it.each(seeds)(
    'delivers and does everything once, loses nothing that was acknowledged, keeps the same everywhere, and ends each call (seed %i)',
    async (seed) => {
      const world = new ClusterWorld(seed);
      try {
        await world.start();
        await world.calm(60);
        await world.storm(30);
        world.checkKept();
        await world.calm(60);
        world.checkKept();
        await world.checkCalls();
        await world.checkPresence();
        await world.checkNewcomer();
        await world.checkQuiet();
      } finally {
        await world.close();
      }
      expect({ seed, problems: world.problems.slice(0, 10) }).toEqual({ seed, problems: [] });
    },
    60_000,
  );
});
