// Reads a configuration file: YAML, TOML or JSON, with the line on which each value stands where the parser knows it.

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

import { ConfigError } from './problem.js';
import { yamlProblems } from './yaml-problems.js';

const JSON_PROBLEM = 'a comma, quote or bracket is missing or too many, or the text ends too soon';

export type Path = readonly (string | number)[];

export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** The line of a value, from 1 on; `undefined`: not known. */
  line(path: Path): number | undefined;
}

/** @throws {ConfigError} */
export async function readSource(file: string): Promise<Source> {
  let text;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read: ${textOf(error)}`]);
  }
  switch (extname(file)) {
    case '.toml':
      return readToml(file, text);
    case '.json':
      requireJson(file, text);
      return readYaml(file, text);
    case '.yaml':
    case '.yml':
      return readYaml(file, text);
    default:
      throw new ConfigError([`${file}: the name must end in .yaml, .yml, .toml or .json`]);
  }
}

async function readYaml(file: string, text: string): Promise<Source> {
  const { LineCounter, parseDocument, isNode } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ code, message, pos }) => ({ code, message, line: lineAt(pos[0]) }));
    throw new ConfigError(yamlProblems(file, problems));
  }
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch {
    // The error may quote the file.
    throw new ConfigError([
      `${file}: an alias (*name) names no anchor (&name) before it, or aliases make too much of too little`,
    ]);
  }
  return {
    file,
    value,
    line(path) {
      // What is missing is reported where it should be.
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return lineAt(node.range[0]);
      }
      return undefined;
    },
  };
}

async function readToml(file: string, text: string): Promise<Source> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return { file, value: parse(text), line: () => undefined };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its first line is a fixed sentence; the lines after it quote the file.
    throw new ConfigError([`${file}:${error.line}: ${oneLine(error.message.split('\n')[0] ?? '')}`]);
  }
}

function requireJson(file: string, text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    // The engine's text quotes the file; the place in it does not.
    const at = /at position (\d+)/.exec(textOf(error))?.[1];
    const line = at === undefined ? '' : `:${text.slice(0, Number(at)).split('\n').length}`;
    throw new ConfigError([`${file}${line}: not JSON: ${JSON_PROBLEM}`]);
  }
}

export function textOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
