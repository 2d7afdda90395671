// Real signals, so in a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

import { within } from '../../support/within.js';

async function program(): Promise<string> {
  const source = await readFile(new URL('../../../src/node/wait.ts', import.meta.url), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return `${outputText}
    const waiting = wait();
    process.stdout.write('ready ');
    process.stdout.write(await waiting);`;
}

describe('wait', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'keeps the program alive until %s, and lets it end by itself',
    async (signal) => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', await program()]);
      let output = '';
      const ready = new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (output.startsWith('ready')) resolve();
        });
      });
      const exited = once(child, 'close');
      await within(ready, 'the start of the program');
      child.kill(signal);
      expect(await within(exited, 'the end of the program')).toEqual([0, null]);
      expect(output).toBe(`ready ${signal}`);
    },
  );
});
