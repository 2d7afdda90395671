// Bundles the soak into test/soak/dist and starts it: `npm run soak -- --help`.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = `${here}dist/${process.pid}`;
process.on('exit', () => rmSync(out, { recursive: true, force: true }));

await build({
  entryPoints: [{ in: `${here}main.ts`, out: 'main' }],
  outdir: out,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
});

// Memory is measured after a collection.
const flags = ['--expose-gc', '--enable-source-maps'];
const child = spawn(process.execPath, [...flags, `${out}/main.js`, ...process.argv.slice(2)], { stdio: 'inherit' });
// The soak ends what it started and says what it found, and this waits for it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
