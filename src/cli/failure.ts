// What went wrong, as one line for a person, an object for a program, and an exit code for a script.

import { SpokeError } from '../contracts/index.js';
import { ConfigError } from './config/problem.js';

/** Exit codes of all commands, beside 0; `docs/commands.md#exit-codes`. */
export const EXIT = { FAILED: 1, USAGE: 2, SIGINT: 130, SIGTERM: 143 } as const;

/** The command was called in a way it cannot understand. */
export class UsageError extends Error {}

/** What was asked for is not there. */
export class NothingFound extends Error {}

/** Not an error: somebody asked the command to end, or what it prints reaches nobody. */
export class Stopped extends Error {
  readonly by: 'SIGINT' | 'SIGTERM' | 'OUTPUT';

  constructor(by: Stopped['by']) {
    super(`ended by ${by}`);
    this.by = by;
  }
}

/** A file, or the standard output, took no more. */
export class OutputError extends Error {
  constructor(where: string, cause: unknown) {
    super(`cannot write to ${where}: ${systemText(cause)}`, { cause });
  }
}

/** A failure that was put into words elsewhere, in another thread for example. */
export class ReportedError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface Failure {
  /** A code of `docs/errors.md`, or `USAGE`, `NOTHING`, `OUTPUT`, `LOST` or `UNEXPECTED`. */
  readonly code: string;
  /** One line; of a configuration one for each thing that is wrong. */
  readonly message: string;
  readonly exitCode: number;
}

const USAGE_CODES: ReadonlySet<string> = new Set(['ADDRESS_INVALID', 'UNKNOWN_SCHEME', 'UNKNOWN_CODEC']);

/** Describes anything that was thrown, but for `Stopped`. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ReportedError) return error.failure;
  if (error instanceof UsageError) return { code: 'USAGE', message: oneLine(error.message), exitCode: EXIT.USAGE };
  if (error instanceof NothingFound) {
    return { code: 'NOTHING', message: oneLine(error.message), exitCode: EXIT.FAILED };
  }
  if (error instanceof ConfigError) {
    return { code: 'CONFIG', message: error.problems.join('\n'), exitCode: EXIT.FAILED };
  }
  if (error instanceof OutputError) return { code: 'OUTPUT', message: oneLine(error.message), exitCode: EXIT.FAILED };
  if (error instanceof SpokeError) {
    // A client that closed because of an error: that one is the reason.
    if (error.code === 'CLOSED' && error.cause instanceof SpokeError) return failureOf(error.cause);
    const exitCode = USAGE_CODES.has(error.code) ? EXIT.USAGE : EXIT.FAILED;
    return { code: error.code, message: oneLine(noBroker(error) ?? noLogin(error) ?? error.message), exitCode };
  }
  const text = error instanceof Error ? error.message : String(error);
  return {
    code: 'UNEXPECTED',
    message: oneLine(`unexpected error, please report it: ${text}`),
    exitCode: EXIT.FAILED,
  };
}

/** The most frequent failure of all, in words for somebody at a shell. */
export function noBroker(error: SpokeError): string | undefined {
  const { address, system } = error.details;
  if (error.code !== 'CONNECT_FAILED' || system !== 'ECONNREFUSED' || typeof address !== 'string') return undefined;
  return `no broker at ${address} (connection refused); is one running? try: ${serverFor(address)}`;
}

function noLogin(error: SpokeError): string | undefined {
  if (error.code !== 'UNAUTHENTICATED' || !error.message.includes('log in,')) return undefined;
  return `${error.message} (options that log in: --help)`;
}

function serverFor(address: string): string {
  const port = /^tcp:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)$/.exec(address)?.[1];
  return port === undefined || port === '7181' ? 'spoke-server' : `spoke-server --listen tcp://:${port}`;
}

const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EIO: 'the device failed',
  EDQUOT: 'the disk quota is used up',
};

function systemText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const known = SYSTEM_TEXTS[code];
  return known === undefined ? cause.message : `${known} (${code})`;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
