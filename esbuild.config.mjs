// Bundles the commands: src/cli/spoke-*.ts -> dist/cli/spoke-*.cjs, one file each. Loading inversify as separate files costs
// a command 130 ms at start-up, bundled 6 ms; shared parts as files of their own cost 15 ms, and so does Node's loader of ES
// modules: hence CommonJS. The library itself is emitted by tsc (tsconfig.build.json). The sources of the commands carry
// no shebang of their own: the banner has it.
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const commands = existsSync('src/cli') ? readdirSync('src/cli').filter((file) => /^spoke-[a-z]+\.ts$/.test(file)) : [];

if (commands.length > 0) {
  await build({
    entryPoints: commands.map((file) => `src/cli/${file}`),
    outdir: 'dist/cli',
    bundle: true,
    // Names stay as they are: a report of a defect can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    platform: 'node',
    target: 'node20.19',
    tsconfig: 'tsconfig.json',
    logLevel: 'warning',
    banner: { js: '#!/usr/bin/env node' },
    // What the user installs or leaves out: optional peers, and the native accelerators of ws and msgpackr.
    external: [
      ...Object.keys(manifest.peerDependencies ?? {}),
      ...Object.keys(manifest.optionalDependencies ?? {}),
      'bufferutil',
      'utf-8-validate',
      'msgpackr-extract',
    ],
    logOverride: {
      // `sideEffects: false` makes esbuild drop a bare import of one of our own files; say so loudly instead.
      'ignored-bare-import': 'error',
      // In src/node/sync.ts alone, which is read with its room and left out again: no command uses it.
      'empty-import-meta': 'silent',
    },
  });
  for (const file of commands) chmodSync(`dist/cli/${file.replace(/\.ts$/, '.cjs')}`, 0o755);
}
