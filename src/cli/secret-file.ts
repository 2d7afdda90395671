// A secret that is not on the command line, where everyone could see it.

import { readFile } from 'node:fs/promises';

import { UsageError } from './failure.js';

/** What a file holds, without the end of its line. @throws {UsageError} */
export async function secretIn(file: string, option: string): Promise<string> {
  let text;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${option}: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new UsageError(`${option}: ${file} is empty`);
  return secret;
}
