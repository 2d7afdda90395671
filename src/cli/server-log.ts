// The log of the broker: pino, loaded when there is something to say. Lines for a person on a terminal, JSON otherwise.

import type { Logger } from '../contracts/index.js';
import { printable } from './output.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STANDARD_ERROR = 2;

/** A log whose level can be changed. */
export interface ServerLog extends Logger {
  level: LogLevel;
}

/** A logger on standard error that drops what is below `level`. */
export function serverLog(level: LogLevel): ServerLog {
  let loading: Promise<Logger> | undefined;
  const at = (name: Exclude<LogLevel, 'silent'>) => (fields: object, text: string) => {
    if (LOG_LEVELS.indexOf(name) < LOG_LEVELS.indexOf(log.level)) return;
    loading ??= loadPino();
    void loading.then((pino) => pino[name](fields, text));
  };
  const log: ServerLog = { level, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return log;
}

/** What a package prints on its own, such as LMDB of a disk that is full, goes into the log. */
export function logConsole(log: Logger): void {
  let last = '';
  console.error = console.warn = (first: unknown, ...rest: readonly unknown[]) => {
    const text = [first, ...rest].map((part) => (part instanceof Error ? part.message : String(part))).join(' ');
    // It may go on for as long as the disk is full.
    if (text === last) return;
    last = text;
    log.error({ ...(first instanceof Error && { err: first }) }, `from a package: ${text}`);
  };
}

async function loadPino(): Promise<Logger> {
  const { pino } = await import('pino');
  if (process.stderr.isTTY) {
    const write = (line: string) => void process.stderr.write(`${humanLine(line)}\n`);
    const log: Logger = pino({ level: 'debug', base: null }, { write });
    return log;
  }
  const destination = pino.destination({ fd: STANDARD_ERROR, sync: true });
  // Nobody reads the log any more: the broker goes on.
  destination.on('error', () => {});
  const log: Logger = pino({ level: 'debug', formatters: { level: (label) => ({ level: label }) } }, destination);
  return log;
}

/** `12:30:05 warn  text  key=value`: a line of pino's for a person. */
export function humanLine(line: string): string {
  const entry: unknown = JSON.parse(line);
  if (!isRecord(entry)) return printable(line);
  const { time, level, msg, err, ...fields } = entry;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const cause = isRecord(err) ? [`cause=${String(err['message'])}`] : [];
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const text = [`${clock} ${levelName(level).padEnd(5)} ${String(msg)}`, ...rest, ...cause].join('  ');
  return printable(text);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function levelName(level: unknown): string {
  const names: Readonly<Record<string, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };
  return names[String(level)] ?? String(level);
}
