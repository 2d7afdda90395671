// `--history PATTERN=7d,1GB`, the same in a configuration file, and `--from`.

import { canonical } from '../channels/index.js';
import type { HistoryRule } from '../contracts/index.js';
import { UsageError } from './failure.js';

// Milliseconds, and bytes.
const AGES: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};
const HELP =
  'PATTERN=LIMITS, such as sensors/**=7d,1GB: an age (s, m, h, d), a size (MB, GiB, ...), a number of messages';

/** One more rule. @throws {UsageError} */
export function collectHistory(text: string, before: readonly HistoryRule[] = []): readonly HistoryRule[] {
  const at = text.lastIndexOf('=');
  if (at < 0) throw new UsageError(`--history takes ${HELP}; not ${text}`);
  try {
    return [...before, { pattern: canonical(text.slice(0, at)), ...historyLimits(text.slice(at + 1)) }];
  } catch (error) {
    throw new UsageError(`--history ${text}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * `7d,1GB,100000` as limits.
 * @throws {TypeError}
 */
export function historyLimits(text: string): Omit<HistoryRule, 'pattern'> {
  const limits: { maxAge?: number; maxBytes?: number; maxMessages?: number } = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(part) ?? [];
    const [age, size] = [AGES[unit], SIZES[unit]];
    const number = Number(digits);
    const known = age ?? size ?? (unit === '' ? 1 : undefined);
    const name = age !== undefined ? 'maxAge' : size !== undefined ? 'maxBytes' : 'maxMessages';
    if (digits === '' || known === undefined || number === 0) {
      throw new TypeError(`${part === '' ? 'nothing' : part} is no limit; it takes ${HELP}`);
    }
    if (limits[name] !== undefined) throw new TypeError(`${part}: there is such a limit already`);
    limits[name] = Math.round(number * known);
  }
  return limits;
}

/**
 * `start`, a sequence, a date, or how long ago, such as `1h`.
 * @param now - milliseconds since the epoch.
 * @throws {UsageError}
 */
export function fromOf(text: string, now: number): 'start' | number | Date {
  if (text === 'start') return text;
  if (/^\d+$/.test(text)) return Number(text);
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (digits !== undefined) return new Date(now - Number(digits) * (AGES[unit] ?? 0));
  const date = new Date(text);
  if (!Number.isNaN(date.getTime()) && /^\d{4}-/.test(text)) return date;
  throw new UsageError(
    `--from takes start, a sequence, a date such as 2026-11-22T12:00, or how long ago, such as 1h; not ${text}`,
  );
}
