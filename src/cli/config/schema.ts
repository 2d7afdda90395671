// Everything that a configuration file can say (docs/access.md#the-configuration-file). What is not here is refused.

// oxlint-disable-next-line no-restricted-imports -- the rule takes this form for an import of all its names
import * as z from 'zod';

import { EVERYTHING } from '../../access/index.js';
import { ENDPOINT_LIMITS } from '../../broker/index.js';
import { DEFAULT_LIMITS } from '../../contracts/index.js';
import { LOG_LEVELS } from '../server-log.js';

const patterns = z.array(z.string());
const rights = z.strictObject({
  publish: patterns.exactOptional(),
  subscribe: patterns.exactOptional(),
  call: patterns.exactOptional(),
  provide: patterns.exactOptional(),
});
const allow = z.preprocess((value) => (value === 'all' ? EVERYTHING : value), rights);
const rules = { allow: allow.exactOptional(), deny: rights.exactOptional() };
const text = z.string().min(1);

const limit = z.number().positive().exactOptional();
const limitsOf = (names: readonly string[]) => z.strictObject(Object.fromEntries(names.map((name) => [name, limit])));

const endpoint = z.preprocess(
  (value) => (typeof value === 'string' ? { url: value } : value),
  z.strictObject({
    url: text,
    cert: text.exactOptional(),
    key: text.exactOptional(),
    ca: text.exactOptional(),
    requestCert: z.boolean().exactOptional(),
    rejectUnauthorized: z.boolean().exactOptional(),
    passphraseFile: text.exactOptional(),
    limits: limitsOf(ENDPOINT_LIMITS).exactOptional(),
  }),
);
const ENDPOINT_KEYS = ['url', 'cert', 'key', 'passphraseFile', 'ca', 'requestCert', 'rejectUnauthorized', 'limits'];

const user = z.strictObject({
  ...rules,
  password: text.exactOptional(),
  passwordFile: text.exactOptional(),
  token: z.union([text, z.array(text)], 'expected a text, or a list of texts').exactOptional(),
  tokenFile: text.exactOptional(),
  certificate: z.union([text, z.boolean()], 'expected a text, or true').exactOptional(),
  uid: z.int().min(0).exactOptional(),
  groups: z.array(z.string()).exactOptional(),
});

export const schema = z.strictObject({
  listen: z.preprocess((value): unknown => (Array.isArray(value) ? value : [value]), z.array(endpoint)).exactOptional(),
  store: text.exactOptional(),
  history: z.record(text, z.union([text, z.int().positive()])).exactOptional(),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).exactOptional() }).exactOptional(),
  limits: limitsOf(Object.keys(DEFAULT_LIMITS)).exactOptional(),
  users: z.record(text, user).exactOptional(),
  groups: z.record(text, z.strictObject(rules)).exactOptional(),
  everyone: z.strictObject(rules).exactOptional(),
  anonymous: z.strictObject(rules).exactOptional(),
});

export type FileContents = z.infer<typeof schema>;

/** The keys that there are at a place, for a suggestion. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const [first, , third] = path;
  const under = (shape: object): readonly string[] => Object.keys(shape);
  if (first === undefined) return under(schema.shape);
  if (first === 'limits') return Object.keys(DEFAULT_LIMITS);
  if (first === 'log') return ['level'];
  if (first === 'listen') return path.includes('limits') ? ENDPOINT_LIMITS : ENDPOINT_KEYS;
  if (path.includes('allow') || path.includes('deny')) return under(rights.shape);
  if (first === 'users' && third === undefined) return under(user.shape);
  return ['allow', 'deny'];
}
