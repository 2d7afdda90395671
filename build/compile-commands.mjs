// Leaves beside the commands of clients what Node makes of them while they run (build/command.cjs): they are started for one
// message, and compiling them takes longer than that. Each is run once, with a broker, so that the functions they need are
// compiled as well. What cannot be run here stays as it is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** In this order: the second finds what the first has left, the third nobody. */
const RUNS = {
  'spoke-publish': ['-p', 'build/compile', '1'],
  'spoke-echo': ['-f', 'build/compile'],
  'spoke-call': ['-t', '0.2', 'build/nobody', '1'],
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined) await compileAll();
else runCompiled(resolve(`dist/cli/compiled/${name}.cjs`), args);

async function compileAll() {
  mkdirSync('dist/cli/compiled');
  for (const command of Object.keys(RUNS)) {
    const installed = `dist/cli/${command}.cjs`;
    const code = `dist/cli/compiled/${command}.cjs`;
    renameSync(installed, code);
    // A function, so that what is compiled is the whole file and nothing is put together at the start.
    const text = readFileSync(code, 'utf8').replace(/^#!.*\n/, '');
    writeFileSync(code, `(function (require) {${text}\n})`);
    copyFileSync('build/command.cjs', installed);
  }
  const broker = spawn(process.execPath, ['dist/cli/spoke-server.cjs', '--json', '--listen', 'tcp://127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await Promise.race([
      once(createInterface(broker.stdout), 'line'),
      once(broker, 'exit').then(() => Promise.reject(new Error('the broker ended'))),
    ]);
    const [url] = JSON.parse(line).urls;
    for (const [command, rest] of Object.entries(RUNS)) {
      const self = fileURLToPath(import.meta.url);
      const child = spawn(process.execPath, [self, command, '--url', url, ...rest], { stdio: 'ignore' });
      await once(child, 'exit');
    }
  } catch (error) {
    console.error(`the commands are not compiled beforehand, and start more slowly: ${error.message}`);
  } finally {
    broker.kill();
  }
}

/** Runs a command, and writes what came of it when it ends. */
function runCompiled(filename, rest) {
  const script = new Script(readFileSync(filename, 'latin1'), { filename });
  process.on('exit', () => writeFileSync(`${filename}.cache`, script.createCachedData()));
  process.argv = [process.execPath, filename, ...rest];
  script.runInThisContext()(createRequire(filename));
}
