/** `spoke/browser` as pages get it: what is in a bundle, what it weighs, and its types. Needs `npm run build` first. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Metafile } from 'esbuild';
import { build } from 'esbuild';
import ts from 'typescript';

const LIMIT = 15_000;

const root = fileURLToPath(new URL('../../', import.meta.url));

jest.setTimeout(60_000);

interface Bundle {
  readonly text: string;
  /** Compressed, as servers send it. */
  readonly bytes: number;
  readonly metafile: Metafile;
}

/** What a page loads that has this line in it. Fails when something in it is no module for browsers. */
async function bundle(line: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: line, resolveDir: root },
    alias: { 'spoke/browser': `${root}dist/browser.js`, 'spoke/typed': `${root}dist/typed.js` },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const text = outputFiles.map((file) => file.text).join();
  return { text, bytes: gzipSync(text, { level: 9 }).length, metafile };
}

describe('the bundle of a page', () => {
  let all: Bundle;
  let clientAlone: Bundle;

  beforeAll(async () => {
    all = await bundle(`export * from 'spoke/browser';`);
    clientAlone = await bundle(`export { Client } from 'spoke/browser';`);
  });

  test(`weighs less than ${LIMIT} bytes, with all that spoke/browser has`, () => {
    process.stderr.write(
      `spoke/browser, minified, gzip: ${all.bytes} bytes; Client alone: ${clientAlone.bytes} bytes\n`,
    );
    expect(all.bytes).toBeLessThan(LIMIT);
  });

  test('leaves out what the page does not import', () => {
    // Msgpack, above all.
    expect(clientAlone.bytes).toBeLessThan(all.bytes - 1000);
  });

  test.each([
    ['spoke/browser', `export * from 'spoke/browser';`],
    ['spoke/typed', `export * from 'spoke/browser'; export * from 'spoke/typed';`],
  ])('of %s has no package in it but nanoevents, and nothing of Node', async (_, line) => {
    const { inputs, outputs } = (await bundle(line)).metafile;
    const packages = Object.keys(inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
    expect([...new Set(packages)].filter((name) => name !== undefined)).toEqual(['nanoevents']);
    const imported = [...Object.values(inputs), ...Object.values(outputs)].flatMap((file) => file.imports);
    expect(imported.filter(({ path }) => path.startsWith('node:') || builtinModules.includes(path))).toEqual([]);
    expect(imported.filter(({ external }) => external)).toEqual([]);
  });

  test('has contracts for a few thousand bytes more', async () => {
    const names = 'channel, service, method, typed, unchecked';
    const { bytes } = await bundle(`export * from 'spoke/browser'; export { ${names} } from 'spoke/typed';`);
    process.stderr.write(`with contracts: ${bytes} bytes\n`);
    expect(bytes).toBeLessThan(all.bytes + 4000);
  });

  test('evaluates no text, and needs no Buffer', () => {
    expect(all.text.match(/\b(?:eval|Function(?=\()|Buffer|require)\b/g) ?? []).toEqual([]);
  });
});

/** The programs of a page of the documentation. */
async function programsIn(page: string): Promise<string[]> {
  const text = await readFile(`${root}${page}`, 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program = '']) => program);
}

describe('a page in TypeScript', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spoke-page-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** What the compiler says of these programs, where there is a browser and no Node. */
  async function compile(programs: readonly string[]): Promise<string[]> {
    const files = programs.map((_, index) => join(folder, `${index}.ts`));
    await Promise.all(programs.map((program, index) => writeFile(join(folder, `${index}.ts`), program)));
    const program = ts.createProgram(files, {
      strict: true,
      noEmit: true,
      skipDefaultLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
      paths: { 'spoke/browser': [`${root}dist/browser.d.ts`], 'spoke/typed': [`${root}dist/typed.d.ts`] },
    });
    return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      return `${basename(file?.fileName ?? '')}: ${text}`;
    });
  }

  test('compiles as docs/browser.md shows it, without the types of Node', async () => {
    const programs = await programsIn('docs/browser.md');
    expect(programs.length).toBeGreaterThan(3);
    // The last one shows that Node is not there.
    const complaints = await compile([...programs.map((text) => `${text}export {};\n`), 'export default process;\n']);
    expect(complaints).toEqual([expect.stringMatching(`^${programs.length}.ts: Cannot find name 'process'`)]);
  });
});
