// The benchmarks work: a few hundred messages each against the relay and this broker. Nothing is measured here.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

const TIMEOUT = 120_000;

let dist: string;

beforeAll(async () => {
  // A package of our own, so that these tests need no `npm run build` and see the sources as they are.
  dist = mkdtempSync(join(tmpdir(), 'spoke-bench-test-'));
  await build({
    entryPoints: ['src/index.ts'],
    outfile: join(dist, 'index.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
});

afterAll(() => rmSync(dist, { recursive: true, force: true }));

/** @param until - ends it with SIGINT when this appears in what it says about itself. */
async function bench(args: string[], until?: string): Promise<Ended> {
  const child = spawn(process.execPath, ['test/bench/run.mjs', '--dist', dist, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
    if (until !== undefined && errors.includes(until)) child.kill('SIGINT');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors };
}

describe('the benchmarks', () => {
  test(
    'run every workload against the relay and this broker, and lose nothing',
    async () => {
      const { code, output, errors } = await bench(['--smoke', '--json']);
      expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining('the figures mean nothing') });
      const { results, targets } = JSON.parse(output);
      const ran = (server: string) =>
        results
          .filter((result: { server: string; figures?: object }) => result.server === server && result.figures)
          .map((result: { workload: string }) => result.workload);
      expect(ran('relay')).toEqual(expect.arrayContaining(['broker-1-1', 'broker-1-50', '1-1', '1-50', 'rpc']));
      expect(ran('spoke')).toEqual(expect.arrayContaining([...ran('relay'), 'crowd', 'replay']));
      const measured = targets.filter((one: { spread?: object }) => one.spread !== undefined);
      expect(measured.map((one: { target: { row: string } }) => one.target.row)).toContain(
        'beside 100,000 subscriptions: processor time',
      );
    },
    TIMEOUT,
  );

  test(
    'speak msgpack as well, and print a table of what was to be reached',
    async () => {
      const { code, output } = await bench(['--smoke', '--table', '-o', 'spoke-msgpack', '-w', 'broker-1-1,crowd,1-1']);
      expect(code).toBe(0);
      expect(output).toMatch(
        /beside 100,000 subscriptions: processor time +\| +msgpack \| +<= 1\.2 x without \| +[\d.]+/,
      );
    },
    TIMEOUT,
  );

  test('explain themselves', async () => {
    const { code, output } = await bench(['--help']);
    expect(code).toBe(0);
    expect(output).toContain('Usage: npm run bench');
  });

  test('say what there is when they are asked for something else', async () => {
    const { code, errors } = await bench(['--only', 'carrier-pigeon']);
    expect(code).toBe(2);
    expect(errors).toContain('no server carrier-pigeon; there are: relay, spoke');
  });

  test(
    'end on an interrupt, with what they have so far',
    async () => {
      const { code, errors } = await bench(
        ['--only', 'relay', '--workload', '1-1', '--seconds', '30'],
        'measurements in',
      );
      expect(code).toBe(130);
      expect(errors).toContain('interrupted after 0 of 3');
    },
    TIMEOUT,
  );
});
