// Bundles one micro-benchmark and runs it: npm run bench:micro -- router
import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(`${here}micro`).map((file) => file.replace('.bench.ts', ''));
const [name, ...rest] = process.argv.slice(2);

if (name === undefined || !names.includes(name)) {
  console.log(`Usage: npm run bench:micro -- NAME [arguments]\n\nMicro-benchmarks: ${names.join(', ')}`);
  process.exitCode = name === undefined || name === '--help' || name === '-h' ? 0 : 2;
} else {
  const outfile = `${here}dist/micro-${process.pid}.mjs`;
  process.on('exit', () => rmSync(outfile, { force: true }));
  await build({
    entryPoints: [`${here}micro/${name}.bench.ts`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  });
  const child = spawn(process.execPath, ['--expose-gc', outfile, ...rest], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
}
