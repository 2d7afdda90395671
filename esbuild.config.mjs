// The package: what runs is bundled here, the types are emitted by tsc (tsconfig.build.json).
//
// The library: its entry points, and chunks for what they share or load late. As a file for each source, and with the 372
// files of inversify beside them, `import 'spoke'` took five times as long (docs/decisions/014-start-up.md).
//
// The commands: src/cli/spoke-*.ts -> dist/cli/spoke-*.cjs, one file each. Shared parts as files of their own cost 15 ms at
// the start, and so does Node's loader of ES modules: hence CommonJS. The sources of the commands carry no shebang of
// their own: the banner has it.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  tsconfig: 'tsconfig.json',
  logLevel: 'warning',
  metafile: true,
};
/** Copied in. Our users' own inversify works with this one: it asks for no class, and decorators write where both look. */
const INLINED = ['inversify', 'reflect-metadata'];
/** What the user installs or leaves out: optional peers, and the native accelerators of ws and msgpackr. */
const LEFT_TO_USERS = [
  ...Object.keys(manifest.peerDependencies ?? {}),
  ...Object.keys(manifest.optionalDependencies ?? {}),
  'bufferutil',
  'utf-8-validate',
  'msgpackr-extract',
];

const library = await build({
  ...common,
  entryPoints: {
    index: 'src/index.ts',
    decorators: 'src/decorators.ts',
    typed: 'src/typed.ts',
    'testing/index': 'src/testing/index.ts',
    'nestjs/index': 'src/nestjs/index.ts',
    nats: 'src/nats.ts',
    // Started by its address, from the file that it is beside.
    'sync-worker': 'src/node/sync-worker.ts',
  },
  outdir: 'dist',
  format: 'esm',
  splitting: true,
  sourcemap: true,
  external: [...Object.keys(manifest.dependencies).filter((name) => !INLINED.includes(name)), ...LEFT_TO_USERS],
});

// One file for pages, apart: what it shares with the library as chunks, bundlers make 300 bytes bigger, of 15,000.
const pages = await build({
  ...common,
  platform: 'browser',
  target: 'es2022',
  entryPoints: { browser: 'src/browser.ts' },
  outdir: 'dist',
  format: 'esm',
  sourcemap: true,
  external: Object.keys(manifest.dependencies),
});

const commands = existsSync('src/cli') ? readdirSync('src/cli').filter((file) => /^spoke-[a-z]+\.ts$/.test(file)) : [];
const bundled = await build({
  ...common,
  entryPoints: commands.map((file) => `src/cli/${file}`),
  outdir: 'dist/cli',
  // Names stay as they are: a report of a defect can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  banner: { js: '#!/usr/bin/env node' },
  external: LEFT_TO_USERS,
  logOverride: {
    // `sideEffects: false` makes esbuild drop a bare import of one of our own files; say so loudly instead.
    'ignored-bare-import': 'error',
    // In src/node/sync.ts alone, which is read with its room and left out again: no command uses it.
    'empty-import-meta': 'silent',
  },
});
for (const file of commands) chmodSync(`dist/cli/${file.replace(/\.ts$/, '.cjs')}`, 0o755);

// What is copied in keeps its license.
const inputs = [library, pages, bundled].flatMap(({ metafile }) => Object.keys(metafile.inputs));
const folders = inputs.map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
const licenses = [...new Set(folders)]
  .filter((folder) => folder !== undefined)
  .toSorted()
  .map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} is copied into dist, and has no license file`);
    return `${name} ${version}\n\n${readFileSync(`${folder}/${file}`, 'utf8').trim()}\n`;
  });
writeFileSync('dist/LICENSES.txt', licenses.join(`\n${'-'.repeat(72)}\n\n`));
