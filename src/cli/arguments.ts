// Arguments as text, turned into values, or refused with a word about what would do.

import type { Command } from 'commander';

import type { Credentials } from '../contracts/index.js';
import { UsageError } from './failure.js';

/** Options of every command that connects to a broker. */
export interface ConnectionOptions {
  readonly url?: readonly string[];
  readonly codec?: string;
  readonly tokenFile?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly json?: true;
}

/** What the help of such a command says about channels and the environment. */
export const CLIENT_REMARKS: readonly string[] = [
  'Without --url the broker is tcp://SPOKEHOST:SPOKEPORT (environment), else tcp://localhost:7181.',
  'A channel that begins with a dash comes after --, as in: -- -control/x',
];

// Longer timers fire at once.
const MAX_MILLISECONDS = 2 ** 31 - 1;

/**
 * Where one of several brokers is: a URL, or host and port.
 * @param name - of the options, as in `--url1`, `--host1`, `--port1`: `1`.
 * @throws {UsageError}
 */
export function endpointOf(
  name: string,
  url: string | undefined,
  host: string | undefined,
  port: string | undefined,
): string | { readonly host: string; readonly port?: number } {
  const option = (kind: string) => optionOf(name, kind);
  if (url !== undefined && (host ?? port) !== undefined) {
    throw new UsageError(`${option('url')} says it all: leave ${option('host')} and ${option('port')} out`);
  }
  if (url !== undefined) return url;
  const number = port === undefined ? undefined : /^\d+$/.test(port) ? Number(port) : Number.NaN;
  if (Number.isNaN(number))
    throw new UsageError(`${option('port')} takes a number, such as 7181, not ${shortened(port ?? '')}`);
  return { host: host ?? '127.0.0.1', ...(number !== undefined && { port: number }) };
}

/** `--url` of the broker `''`, `--url1` of `1`, `--private-url` of `private`. */
function optionOf(broker: string, kind: string): string {
  if (broker === '') return `--${kind}`;
  return /^\d/.test(broker) ? `--${kind}${broker}` : `--${broker}-${kind}`;
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds the options of `ConnectionOptions`. */
export function withConnectionOptions(command: Command): Command {
  return command
    .option('--url <url>', 'the broker, such as tcp://localhost:7181; several times: whichever can be reached', collect)
    .option('--codec <name>', 'how messages are written on the wire (default: json)')
    .option('--token-file <file>', 'log in with the token in this file (default: SPOKE_TOKEN of the environment)')
    .option('--user <name>', 'log in with this name (default: SPOKE_USER)')
    .option('--password-file <file>', 'and with the password in this file (default: SPOKE_PASSWORD)');
}

/** The options of a command that say who it is. */
export interface LoginOptions {
  readonly tokenFile?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/**
 * Who the command is to a broker; `undefined`: the options do not say.
 * @param broker - for the names of the options, as of `endpointOf`: `1` of `--user1`. Default: of the only one there is.
 * @throws {UsageError}
 */
export async function loginOf(
  { tokenFile, user, passwordFile }: LoginOptions,
  broker = '',
): Promise<Credentials | undefined> {
  if ((tokenFile ?? user ?? passwordFile) === undefined) return undefined;
  const { secretIn } = await import('./secret-file.js');
  const [token, name, password] = ['token-file', 'user', 'password-file'].map((kind) => optionOf(broker, kind));
  if (tokenFile !== undefined) {
    if ((user ?? passwordFile) !== undefined) {
      throw new UsageError(`${token} says it all: leave ${name} and ${password} out`);
    }
    return { token: await secretIn(tokenFile, `${token}`) };
  }
  // The environment speaks of the only broker there is.
  const environment = broker === '' ? process.env : {};
  if (passwordFile !== undefined && user === undefined && !environment['SPOKE_USER']) {
    throw new UsageError(`${password} needs ${name}`);
  }
  const secret =
    passwordFile === undefined ? environment['SPOKE_PASSWORD'] : await secretIn(passwordFile, `${password}`);
  if (secret === undefined) {
    const orElse = broker === '' ? ', or SPOKE_PASSWORD in the environment' : '';
    throw new UsageError(`${name} needs ${password}${orElse}`);
  }
  return { user: user ?? environment['SPOKE_USER'] ?? '', password: secret };
}

/** Arguments can be seen by everyone on the machine. @param broker - as of `loginOf`. @throws {UsageError} */
export function requireNoSecret(url: string | undefined, broker = ''): void {
  if (url === undefined || !/^[^/]*:\/\/[^/?#]*@/.test(url)) return;
  const [option, token, name, password] = ['url', 'token-file', 'user', 'password-file'].map((kind) =>
    optionOf(broker, kind),
  );
  throw new UsageError(
    `${option}: a password in an argument can be seen by everyone on this machine; use ${name} and ${password}, or ${token}`,
  );
}

/** @throws {UsageError} */
export function parseBody(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    const body: unknown = JSON.parse(text);
    return body;
  } catch {
    throw new UsageError(`the body is not JSON: ${shortened(text)}${bodyHint(text)}`);
  }
}

/**
 * Seconds as text to milliseconds.
 * @param option - its name.
 * @throws {UsageError}
 */
export function parseTimeout(text: string | undefined, option = '--timeout'): number | undefined {
  if (text === undefined) return undefined;
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (!(seconds > 0)) {
    throw new UsageError(`${option} takes a number of seconds above 0, such as 1 or 0.5, not ${shortened(text)}`);
  }
  return Math.min(seconds * 1000, MAX_MILLISECONDS);
}

/** Milliseconds as they were given: in seconds. */
export function secondsText(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

function bodyHint(text: string): string {
  if (text.trim() === '') return '; leave it out for null';
  if (/^(NaN|[+-]?Infinity|nan|[+-]?inf)$/.test(text)) return '; JSON has no such number';
  if (/^(True|False|None|undefined)$/.test(text)) return '; JSON has true, false and null';
  if (/^[{[]/.test(text)) return '; keys and texts need double quotes, so put all of it in single ones';
  return `; a text needs double quotes, as in '${JSON.stringify(shortened(text))}'`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
