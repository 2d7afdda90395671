// `--limit name=value` and `--limits`.

import type { Limits } from '../contracts/index.js';
import { DEFAULT_LIMITS, withDefaults } from '../contracts/index.js';
import { UsageError } from './failure.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * One more `name=value`.
 * @throws {UsageError}
 */
export function collectLimit(text: string, before: Partial<Limits> = {}): Partial<Limits> {
  const [, name = '', digits = '', unit = ''] = /^(\w+)=(\d+(?:\.\d+)?|none)(KiB|MiB|GiB|)$/.exec(text) ?? [];
  if (name === '')
    throw new UsageError(`--limit takes name=value, such as connections=500 or messageBytes=1MiB, not ${text}`);
  if (!(name in DEFAULT_LIMITS)) throw new UsageError(`--limit ${text}: there is no such limit; --limits lists them`);
  const limits = { ...before, [name]: digits === 'none' ? Infinity : Number(digits) * (UNITS[unit] ?? 1) };
  try {
    withDefaults(limits);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  return limits;
}

/** The limits as they would hold, one a line. */
export function limitLines(limits: Partial<Limits> | undefined): string {
  const entries = Object.entries<number>({ ...withDefaults(limits) });
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${textOf(name, value)}`).join('\n');
}

function textOf(name: string, value: number): string {
  if (value === Infinity) return 'none';
  if (name.endsWith('Bytes')) return `${value} bytes`;
  return /(?:Time|Timeout|Age|Skew)$/.test(name) ? `${value} ms` : String(value);
}
