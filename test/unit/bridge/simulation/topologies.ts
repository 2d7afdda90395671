// Shapes of networks: which brokers are bridged.

export interface Topology {
  readonly name: string;
  readonly brokers: number;
  /** Pairs of brokers; one that comes twice has two bridges. */
  readonly bridges: readonly (readonly [number, number])[];
  /** Brokers of the peers; only where there is one way between any two, for they cannot tell copies apart. */
  readonly foreign: readonly number[];
}

type Random = () => number;

const chain = (brokers: number): Topology => ({
  name: `chain of ${brokers}`,
  brokers,
  bridges: Array.from({ length: brokers - 1 }, (_, n) => [n, n + 1] as const),
  foreign: [],
});

const ring = (brokers: number): Topology => ({
  name: `ring of ${brokers}`,
  brokers,
  bridges: Array.from({ length: brokers }, (_, n) => [n, (n + 1) % brokers] as const),
  foreign: [],
});

const mesh = (brokers: number): Topology => ({
  name: `mesh of ${brokers}`,
  brokers,
  bridges: pairs(brokers),
  foreign: [],
});

const parallel = (bridges: number): Topology => ({
  name: `${bridges} parallel bridges`,
  brokers: 2,
  bridges: Array.from({ length: bridges }, () => [0, 1] as const),
  foreign: [],
});

const star = (arms: number): Topology => ({
  name: `star of ${arms}`,
  brokers: arms + 1,
  bridges: Array.from({ length: arms }, (_, n) => [0, n + 1] as const),
  foreign: [],
});

/** Connected, with circles and parallel bridges as chance will have it. */
function anyGraph(random: Random): Topology {
  const brokers = 2 + Math.floor(random() * 4);
  const bridges: (readonly [number, number])[] = [];
  for (let n = 1; n < brokers; n++) bridges.push([Math.floor(random() * n), n]);
  for (const pair of pairs(brokers)) if (random() < 0.35) bridges.push(pair);
  return { name: `graph ${bridges.map((pair) => pair.join('-')).join(' ')}`, brokers, bridges, foreign: [] };
}

/** Any of its brokers may be one of the peers. */
function mixed(tree: Topology, random: Random): Topology {
  const foreign = Array.from({ length: tree.brokers }, (_, n) => n).filter(() => random() < 0.5);
  return { ...tree, name: `${tree.name}, of the peers: ${foreign.join(' ')}`, foreign };
}

function pairs(count: number): (readonly [number, number])[] {
  const all: (readonly [number, number])[] = [];
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) all.push([a, b]);
  return all;
}

/** One that the seed chooses. */
export function topologyFor(random: Random): Topology {
  const shapes = [
    () => chain(2 + Math.floor(random() * 4)),
    () => ring(3 + Math.floor(random() * 3)),
    () => mesh(3 + Math.floor(random() * 2)),
    () => parallel(2 + Math.floor(random() * 2)),
    () => star(3),
    () => anyGraph(random),
    () => anyGraph(random),
    () => mixed(chain(2 + Math.floor(random() * 3)), random),
    () => mixed(star(2 + Math.floor(random() * 2)), random),
  ];
  return (shapes[Math.floor(random() * shapes.length)] ?? shapes[0] ?? (() => chain(2)))();
}
