// The configuration of a broker, from a file: checked, with what other files hold put in, and ready to be used.

import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import type { AccessOptions, UserOptions } from '../../access/index.js';
import { Access, hashToken, isPasswordHash, isTokenHash } from '../../access/index.js';
import { endpointLimits } from '../../broker/index.js';
import { requireHistoryRules } from '../../backplanes/histories.js';
import type { HistoryRule, Limits } from '../../contracts/index.js';
import { DEFAULT_LIMITS, withDefaults } from '../../contracts/index.js';
import { formatAddress, parseAddress } from '../../transports/index.js';
import { historyLimits } from '../history.js';
import type { LogLevel } from '../server-log.js';
import type { Path, Source } from './read.js';
import { ConfigError } from './problem.js';
import { readSource, textOf } from './read.js';
import type { FileContents } from './schema.js';
import { keysAt, schema } from './schema.js';

type ConfiguredEndpoint = string | { readonly url: string; readonly limits: Partial<Limits> };

export interface Config {
  /** URLs, with limits where they have some of their own. */
  readonly listen?: readonly ConfiguredEndpoint[];
  readonly store?: string;
  readonly logLevel?: LogLevel;
  readonly limits?: Partial<Limits>;
  readonly history?: readonly HistoryRule[];
  /** `undefined`: the file says nothing of users and rules. */
  readonly access?: AccessOptions;
}

/**
 * Paths in the file are those from its folder on.
 * @throws {ConfigError} with all that is wrong with it.
 */
export async function readConfig(file: string): Promise<Config> {
  const source = await readSource(file);
  const { closed, value } = withoutFalse(source.value);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap((issue) => problemsOf(source, issue)));
  const { listen, store, log, limits, history, users, groups, everyone, anonymous } = parsed.data;
  const folder = dirname(file);
  const problems: string[] = [];
  /** Goes on after something that is wrong: there may be more. */
  const attempt = async <T>(path: Path, make: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await make();
    } catch (error) {
      problems.push(problem(source, path, textOf(error)));
      return undefined;
    }
  };
  const ofBroker = (await attempt(['limits'], () => withDefaults(given(limits ?? {})))) ?? withDefaults();
  const endpoints: ConfiguredEndpoint[] = [];
  for (const [index, endpoint] of (listen ?? []).entries()) {
    const place = ['listen', index];
    const { limits: own } = endpoint;
    const url = await attempt(place, async () => urlOf(endpoint, folder));
    if (own !== undefined) await attempt([...place, 'limits'], () => endpointLimits(ofBroker, given(own)));
    if (url !== undefined) endpoints.push(own === undefined ? url : { url, limits: given(own) });
  }
  const rules: HistoryRule[] = [];
  for (const [pattern, kept] of Object.entries(history ?? {})) {
    const of = await attempt(['history', pattern], () => historyLimits(String(kept)));
    if (of !== undefined) rules.push({ pattern, ...of });
  }
  const checked = await attempt(['history'], () => requireHistoryRules(rules));
  let access: AccessOptions | undefined;
  if (closed || (users ?? groups ?? everyone ?? anonymous) !== undefined) {
    const known: [string, UserOptions][] = [];
    for (const [name, user] of Object.entries(users ?? {})) {
      const made = await attempt(['users', name], () => userOf(user, folder));
      if (made !== undefined) known.push([name, made]);
    }
    const asked = given({ users: Object.fromEntries(known), groups, everyone, anonymous });
    await attempt(['users'], () => new Access(asked));
    access = asked;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...(listen !== undefined && { listen: endpoints }),
    ...(store !== undefined && { store: resolve(folder, store) }),
    ...(log?.level !== undefined && { logLevel: log.level }),
    ...(limits !== undefined && { limits: given(limits) }),
    ...(history !== undefined && checked !== undefined && { history: checked }),
    ...(access !== undefined && { access }),
  };
}

// `anonymous: false` says what is so without it; beside it there are rules.
function withoutFalse(value: unknown): { readonly closed: boolean; readonly value: unknown } {
  if (typeof value !== 'object' || value === null || !('anonymous' in value) || value.anonymous !== false) {
    return { closed: false, value };
  }
  const { anonymous: _anonymous, ...rest } = value;
  return { closed: true, value: rest };
}

type Endpoint = NonNullable<FileContents['listen']>[number];
type User = NonNullable<FileContents['users']>[string];

async function urlOf(endpoint: Endpoint, folder: string): Promise<string> {
  const { url, cert, key, ca, passphraseFile, requestCert, rejectUnauthorized } = endpoint;
  const address = parseAddress(url);
  const params = new Map(address.params);
  const { scheme } = address;
  if (scheme === 'memory')
    throw new TypeError('memory:// joins the parts of one program; no other program could reach it');
  // Read here too: that it is missing, or open to all, is to be said at once.
  if (passphraseFile !== undefined) await secretIn(resolve(folder, passphraseFile), 'passphraseFile');
  for (const [name, path] of Object.entries(given({ cert, key, ca, passphraseFile })))
    params.set(name, resolve(folder, path));
  for (const [name, flag] of Object.entries(given({ requestCert, rejectUnauthorized }))) params.set(name, String(flag));
  return params.size === address.params.size ? url : formatAddress({ ...address, params });
}

async function userOf(user: User, folder: string): Promise<UserOptions> {
  const { passwordFile, tokenFile, password, ...rest } = user;
  const tokens = [rest.token ?? []].flat();
  if (tokenFile !== undefined) {
    const token = await secretIn(resolve(folder, tokenFile), 'tokenFile');
    tokens.push(isTokenHash(token) ? token : hashToken(token));
  }
  const hash = passwordFile === undefined ? password : await secretIn(resolve(folder, passwordFile), 'passwordFile');
  if (hash !== undefined && !isPasswordHash(hash)) {
    throw new TypeError('the password must be given by its scrypt hash: spoke-passwd makes it');
  }
  return given({ ...rest, password: hash, token: tokens.length > 0 ? tokens : undefined });
}

async function secretIn(file: string, what: string): Promise<string> {
  const { mode } = await stat(file);
  if ((mode & 0o004) !== 0) throw new TypeError(`${what}: everyone on this machine can read ${file}; chmod o-r`);
  const secret = (await readFile(file, 'utf8')).trim();
  if (secret === '') throw new TypeError(`${what}: ${file} is empty`);
  return secret;
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without what is `undefined`, on which `exactOptionalPropertyTypes` insists. */
function given<T extends object>(object: T): Given<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Given<T>;
}

interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function problemsOf(source: Source, { code, path, message, keys = [] }: Issue): string[] {
  const place = path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (code !== 'unrecognized_keys') {
    return [problem(source, place, message.replace(/^Invalid input: /, '').replace(/^Invalid option: /, ''))];
  }
  return keys.map((key) => {
    const known = keysAt(path);
    if (path[0] === 'listen' && path.includes('limits') && key in DEFAULT_LIMITS) {
      return problem(source, [...place, key], 'this limit holds for a whole broker; say it under limits at the top');
    }
    const near = known.find((one) => distance(one.toLowerCase(), key.toLowerCase()) <= Math.max(1, key.length / 3));
    if (near !== undefined) return problem(source, [...place, key], `there is no such key; did you mean ${near}?`);
    // A key like no other may be a secret whose own key is missing: only its line is told.
    return problem(source, place, `a key that does not exist here; there are: ${known.join(', ')}`, [...place, key]);
  });
}

function problem(source: Source, path: Path, text: string, at: Path = path): string {
  const line = source.line(at);
  const where = path.length === 0 ? '' : `${path.join('.')}: `;
  return `${source.file}${line === undefined ? '' : `:${line}`}: ${where}${text}`;
}

/** Letters to be added, removed or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
