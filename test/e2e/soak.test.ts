/**
 * A short soak; a long one by hand: `npm run soak -- --minutes 30`. What it does is in test/soak.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';

const SECONDS = 15;

test('everything at once for a while: nothing acknowledged is lost or doubled, memory stays', async () => {
  const args = ['test/soak/run.mjs', '--minutes', String(SECONDS / 60), '--rate', '40', '--json'];
  const soak = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, progress] = ['', ''];
  soak.stdout.on('data', (chunk) => (output += String(chunk)));
  soak.stderr.on('data', (chunk) => (progress += String(chunk)));
  const [code] = (await once(soak, 'close')) as [number | null];
  process.stderr.write(`soak: ${output}`);
  if (code !== 0) throw new Error(`the soak ended with ${code}: ${output}\n${progress}`);
  const summary = JSON.parse(output);
  expect(summary.findings).toEqual({ count: 0, texts: [] });
  expect(summary.bridgeRestarts).toBeGreaterThan(0);
  expect(summary.parts['live messages'].near).toBe(summary.parts['live messages'].published);
}, 180_000);
