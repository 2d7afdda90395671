// Bundles the benchmarks into test/bench/dist and starts them: `npm run bench -- --help`.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = `${here}dist/${process.pid}`;
process.on('exit', () => rmSync(out, { recursive: true, force: true }));

const programs = [
  'main',
  'drivers/worker',
  ...['relay', 'spoke', 'aedes', 'socket-io'].map((name) => `servers/${name}-process`),
];

await build({
  entryPoints: programs.map((name) => ({ in: `${here}${name}.ts`, out: name.replace(/.*\//, '') })),
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Resolved when they are used, from test/bench/node_modules.
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
});

const child = spawn(process.execPath, ['--enable-source-maps', `${out}/main.js`, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The benchmark ends what it started, and this waits for it. A terminal sends SIGINT to both; twice does no harm.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
