/**
 * The package as its users get it: packed, unpacked into a project of its own beside its declared dependencies and
 * nothing else, then imported, required, type-checked and started. Needs `npm run build` first.
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
const entryPoints = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => path.replace(/^\./, 'spoke'));

let folder: string;
let project: string;
let installed: string;
let tarball: string;

// Every step is a process of its own; the slowest takes 5 seconds on a quiet machine.
jest.setTimeout(120_000);

/** Runs a program to its end and gives its output; on a non-zero exit, the test fails and shows that output. */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, timeout: 100_000 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

async function install(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const link = join(project, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link);
  }
}

const tool = (name: string): string => join(root, 'node_modules', '.bin', name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoke-package-'));
  project = join(folder, 'project');
  installed = join(project, 'node_modules', 'spoke');
  await mkdir(installed, { recursive: true });

  // Without the scripts: `prepack` would rebuild dist under the feet of the other tests.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], root);
  const packed = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  expect(packed).toHaveLength(1);
  tarball = join(folder, packed.join());
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed], folder);

  // The user's own @types/node, and no other types than those the package declares as dependencies.
  await install([...Object.keys(manifest.dependencies), '@types/node']);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true }));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the packed files', () => {
  test('are the build, the readme, the license and the changelog', async () => {
    const names = await readdir(installed);
    expect(names.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
  });

  test('satisfy publint', async () => {
    await run(tool('publint'), ['run', tarball, '--strict'], folder);
  });

  test('have types that resolve for every kind of ES module user (attw)', async () => {
    await run(tool('attw'), [tarball, '--profile', 'esm-only'], folder);
  });
});

/** Entry points that need packages which users install or leave out, and what these are called. */
const OPTIONAL: Readonly<Record<string, RegExp>> = {
  'spoke/nats': /^@nats-io/,
  'spoke/nestjs': /^(@nestjs|rxjs)/,
};

describe.each(entryPoints.filter((name) => !(name in OPTIONAL)))(
  '%s, where nothing is installed that is optional,',
  (name) => {
    test('can be imported', async () => {
      const code = `console.log(Object.keys(await import('${name}')).length)`;
      expect(Number(await run(process.execPath, ['--input-type=module', '-e', code], project))).toBeGreaterThan(0);
    });

    test('can be required', async () => {
      const code = `console.log(Object.keys(require('${name}')).length)`;
      expect(Number(await run(process.execPath, ['-e', code], project))).toBeGreaterThan(0);
    });
  },
);

describe.each(Object.entries(OPTIONAL))('%s', (name, needed) => {
  const code = `import('${name}').then((all) => console.log(Object.keys(all).length), ({ code, message }) => console.log(code, message))`;

  test('says which package is missing when that is not installed', async () => {
    const said = await run(process.execPath, ['-e', code], project);
    const [, missing = said] = /^ERR_MODULE_NOT_FOUND Cannot find package '([^']+)'/.exec(said) ?? [];
    expect(missing).toMatch(needed);
  });

  test('can be imported and required beside it', async () => {
    await install(Object.keys(manifest.peerDependencies).filter((peer) => needed.test(peer)));
    expect(Number(await run(process.execPath, ['-e', code], project))).toBeGreaterThan(0);
    const required = `console.log(Object.keys(require('${name}')).length)`;
    expect(Number(await run(process.execPath, ['-e', required], project))).toBeGreaterThan(0);
  });
});

/** Part of the library is copied in; what the user has installed must get along with that. */
const OWN_INVERSIFY = `
import { Container, decorate, injectable } from 'inversify';
import { Broker, createContainer, MemoryTransport, spokeModule, TOKENS } from 'spoke';
class Mine extends MemoryTransport { schemes = ['mine']; }
decorate(injectable(), Mine);
const own = new Container();
own.load(spokeModule({ listen: 'mine://own' }));
for (const container of [own, createContainer({ listen: 'mine://created' })]) {
  container.bind(TOKENS.Transport).to(Mine);
  const broker = await container.getAsync(Broker);
  console.log(broker.addresses.join());
  await container.unbindAllAsync();
}`;

test("a container of the user's own inversify takes the module, and ours takes classes decorated with theirs", async () => {
  const output = await run(process.execPath, ['--input-type=module', '-e', OWN_INVERSIFY], project);
  expect(output).toBe('mine://own\nmine://created\n');
});

/** Decorators of the language, as TypeScript has them without `experimentalDecorators`. */
const STANDARD_DECORATORS = `
import type { Message } from 'spoke';
import { Broker, createContainer, Handlers, Client, TOKENS } from 'spoke';
import { method, provider, subscriber } from 'spoke/decorators';
let done = (text: string): void => console.log(text);
const heard = new Promise<string>((resolve) => (done = resolve));
@provider('math')
class Calculator {
  constructor(private readonly factor: number) {}
  @method() scale(x: number): number { return this.factor * x; }
  @subscriber('a/*') heard({ channel, body }: Message<number>): void { done(channel + body); }
}
class Other extends Calculator {}
const container = createContainer({ listen: 'memory://home', url: 'memory://home' });
container.bind(TOKENS.Handler).toResolvedValue(() => new Other(3));
await container.getAsync(Broker);
await container.getAsync(Handlers);
const client = await container.getAsync(Client);
await client.publish('a/b', 1);
console.log(await client.call<number>('math/scale', 5), await heard);
await container.unbindAllAsync();
`;

test('handlers are made with the decorators of the language as well', async () => {
  await writeFile(join(project, 'standard.mts'), STANDARD_DECORATORS);
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--skipLibCheck'];
  await run(tool('tsc'), [...options, 'standard.mts'], project);
  expect(await run(process.execPath, ['standard.mjs'], project)).toBe('15 a/b1\n');
});

const REJECTED = `
  const { readFileSync } = require('node:fs');
  const [, filename] = process.argv;
  const cachedData = readFileSync(filename + '.cache');
  const script = new (require('node:vm').Script)(readFileSync(filename, 'latin1'), { filename, cachedData });
  process.stdout.write(String(script.cachedDataRejected));
`;

test('commands that are started for one message come compiled', async () => {
  const compiled = join(installed, 'dist/cli/compiled');
  const names = (await readdir(compiled)).filter((name) => name.endsWith('.cjs'));
  expect(names.toSorted()).toEqual(['spoke-call.cjs', 'spoke-echo.cjs', 'spoke-publish.cjs']);
  for (const name of names) {
    const filename = join(compiled, name);
    // In a process of its own: V8 refuses a cache under other flags, and another test of this process may have set some.
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', REJECTED, filename]);
    expect({ name, rejected: stdout }).toEqual({ name, rejected: 'false' });
  }
});

// A file for each source would take a program that imports it five times as long to start.
test('the library is a few files', async () => {
  const names = (await readdir(join(installed, 'dist'))).filter((name) => name.endsWith('.js'));
  expect(names.length).toBeLessThan(40);
});

test('every entry point has types under nodenext, for import and for require, without skipLibCheck', async () => {
  const files: string[] = [];
  for (const [index, name] of entryPoints.entries()) {
    const typed =
      'type Untyped = 0 extends 1 & typeof library ? true : false;\nexport const untyped: Untyped = false;\n';
    await writeFile(join(project, `${index}.mts`), `import * as library from '${name}';\n${typed}`);
    await writeFile(join(project, `${index}.cts`), `import library = require('${name}');\n${typed}`);
    files.push(`${index}.mts`, `${index}.cts`);
  }
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  await run(tool('tsc'), [...options, ...files], project);
});

describe.each(Object.entries(manifest.bin))('the command %s', (name, path) => {
  test('is executable, starts with a shebang and answers --help', async () => {
    const file = join(installed, path);
    await access(file, constants.X_OK);
    expect(await readFile(file, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);

    // As npm installs it: a link in node_modules/.bin.
    const link = join(project, 'node_modules', '.bin', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(file, link);
    expect(await run(link, ['--help'], project)).toContain(name);
  });
});
