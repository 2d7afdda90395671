// Starts a command again and again, each time beside a Node that does nothing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { median } from '../spread.js';

export interface StartTask {
  readonly kind: 'start';
  /** A script for Node, with its arguments. */
  readonly command: readonly string[];
  readonly pairs: number;
}

/** Milliseconds, medians. */
export interface StartResult {
  readonly command: number;
  readonly node: number;
  /** How much longer the command takes than Node alone, pair by pair. */
  readonly more: number;
}

export async function runStart({ command, pairs }: StartTask): Promise<StartResult> {
  const commands: number[] = [];
  const nodes: number[] = [];
  // Once for the file cache.
  await timed(command);
  for (let pair = 0; pair < pairs; pair++) {
    nodes.push(await timed(['-e', '0']));
    commands.push(await timed(command));
  }
  return {
    command: median(commands),
    node: median(nodes),
    more: median(commands.map((time, pair) => time - (nodes[pair] ?? NaN))),
  };
}

async function timed(args: readonly string[]): Promise<number> {
  const since = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with exit code ${String(code)}`);
  return performance.now() - since;
}
