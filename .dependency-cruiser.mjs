// Who may import whom. The picture is in docs/architecture.md; this file enforces it (`npm run lint`).
import { builtinModules } from 'node:module';

/** The house from the ground up. A room imports lower floors only; rooms on one floor do not know each other. */
const FLOORS = [
  ['contracts'],
  ['channels'],
  ['transports', 'codecs', 'stores', 'backplanes', 'access'],
  ['link'],
  ['broker', 'client'],
  ['rpc', 'bridge'],
  ['typed'],
  ['node', 'browser'],
  ['di'],
  ['nestjs', 'cli', 'dashboard'],
];

/** The compliance suites and the memory network stand outside, beside everything below `di`. */
const TESTING = 'testing';

/** Where Node's built-in modules are at home. All the rest must run in a browser too. */
const NODE_SIDE = [
  'transports/(tcp|tls|unix)/',
  'transports/websocket/(?!browser)',
  'stores/',
  'access/',
  'backplanes/',
  'broker/',
  'node/',
  'di/',
  'nestjs/',
  'cli/',
  'dashboard/',
  'testing/',
];

/** A package that only one room may import, so that it can be replaced there. */
const PACKAGE_HOMES = [
  { packages: ['inversify', 'reflect-metadata'], home: 'di/' },
  { packages: ['@nestjs/[^/]+', 'rxjs'], home: 'nestjs/' },
  { packages: ['commander'], home: 'cli/' },
  { packages: ['ws'], home: 'transports/websocket/' },
  { packages: ['msgpackr'], home: 'codecs/' },
  { packages: ['lmdb'], home: 'stores/' },
  { packages: ['@nats-io/[^/]+'], home: 'backplanes/' },
];

/** The package's entry points. Any other file directly in src (a constant such as the version) imports nothing of ours. */
const ENTRY_POINTS = '^src/(?:index|browser|decorators|typed|nats)\\.ts$';

const ROOMS = [...FLOORS.flat(), TESTING];
const room = (...names) => `^src/(?:${names.join('|')})/`;

const floorRules = FLOORS.flatMap((rooms, floor) => {
  const allowedBelow = FLOORS.slice(0, floor).flat();
  return rooms.map((name) => ({
    name: `${name}-imports-lower-floors-only`,
    comment: `src/${name} may import ${allowedBelow.join(', ') || 'nothing else of ours'}.`,
    severity: 'error',
    from: { path: room(name) },
    to: { path: room(...ROOMS.filter((other) => other !== name && !allowedBelow.includes(other))) },
  }));
});

const packageRules = PACKAGE_HOMES.map(({ packages, home }) => ({
  name: `only-${home.replace(/\/$/, '').replaceAll('/', '-')}-imports-${packages[0].replace(/\/.*/, '').replace('@', '')}`,
  comment: `${packages.join(', ')} may be imported in src/${home} only.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${home}` },
  to: { path: `(^|node_modules/)(@types/)?(${packages.join('|')})(/|$)`, dependencyTypesNot: ['local', 'localmodule'] },
}));

export default {
  forbidden: [
    ...floorRules,
    {
      name: 'testing-stays-below-di',
      comment: 'src/testing may import anything below di, also the platforms.',
      severity: 'error',
      from: { path: room(TESTING) },
      to: { path: room('di', 'nestjs', 'cli', 'dashboard') },
    },
    {
      name: 'entry-points-re-export-the-library-only',
      comment: 'src/index.ts and its siblings publish the library: no commands, no dashboard, no test kit, no Nest.',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: room('nestjs', 'cli', 'dashboard', TESTING) },
    },
    {
      name: 'nothing-imports-an-entry-point',
      comment: 'Inside the library, import the room itself; only the top floor may use the public names.',
      severity: 'error',
      from: { path: '^src/', pathNot: room('cli', 'dashboard') },
      to: { path: ENTRY_POINTS },
    },
    {
      name: 'a-file-outside-the-rooms-imports-none',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$', pathNot: ENTRY_POINTS },
      to: { path: '^src/' },
    },
    {
      name: 'every-room-has-a-floor',
      comment: 'A new folder in src must be given its place in FLOORS (.dependency-cruiser.mjs).',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: room(...ROOMS) },
      to: {},
    },
    {
      name: 'no-import-from-a-room-without-a-floor',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/[^/]+/', pathNot: room(...ROOMS) },
    },
    ...packageRules,
    {
      name: 'node-built-ins-on-the-node-side-only',
      comment: 'This folder must run in a browser: no node: modules.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(?:${NODE_SIDE.join('|')})` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'entries-for-pages-reach-no-node-module',
      comment: 'Nothing that these reach, directly or not, may import a node: module or the container.',
      severity: 'error',
      from: { path: '^src/(?:browser|typed)\\.ts$' },
      to: { path: [`^(node:)?(${builtinModules.join('|')})$`, '^src/di/', 'node_modules/inversify/'], reachable: true },
    },
    {
      name: 'no-test-code-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|docs)/' },
    },
    {
      name: 'the-independent-peer-is-independent',
      comment: 'It is there to disagree with src: nothing of ours, and no package.',
      severity: 'error',
      from: { path: '^test/support/independent-peer/' },
      to: { pathNot: '^test/support/independent-peer/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'no-dev-dependency-in-src',
      comment: 'What the published code or its types import must be a dependency (the dashboard is bundled).',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/dashboard/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    {
      name: 'no-circular-imports',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-orphans',
      comment: 'A module that imports nothing and that nothing imports is dead.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: [ENTRY_POINTS, '\\.d\\.ts$'] },
      to: {},
    },
  ],
  options: {
    // Type-only imports count as well: they tie rooms together just the same.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|docs/api)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json', '.d.ts'],
    },
  },
};
