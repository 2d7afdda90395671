// The budget is set by environment variables: see budget.ts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fc } from '../support/fast-check.js';
import { readConfig } from '../../src/cli/config/config.js';
import { ConfigError } from '../../src/cli/config/problem.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { budget, Tally, TIMEOUT } from './budget.js';

const SECRET = 'a-secret-that-stands-where-a-hash-should';
/** Texts that quote but a part of it tell too much as well. */
const PARTS = Array.from({ length: SECRET.length - 7 }, (_, at) => SECRET.slice(at, at + 8));
const YAML = `listen:
  - tcp://127.0.0.1:7181
  - url: tls://:7183
    cert: server.pem
store: ./data
log: { level: info }
limits: { connections: 5000, messageBytes: 1000000 }
users:
  alice: { password: ${SECRET}, uid: 1000, groups: [operators] }
  r2:
    token: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    groups: [robots]
groups:
  operators: { allow: all, deny: { publish: ['robots/*/pose'] } }
  robots: { allow: { publish: ['robots/{user}/**'], call: ['map/find'] } }
everyone: { allow: { subscribe: [time] } }
anonymous: { allow: { subscribe: ['public/**'] } }
`;
const TOML = `listen = ["tcp://127.0.0.1:7181", "unix:///run/spoke.sock"]
store = "./data"
[limits]
connections = 5000
[users.alice]
password = "${SECRET}"
[groups.robots.allow]
publish = ["robots/{user}/**"]
`;
const JSON_TEXT = JSON.stringify({ listen: 'tcp://127.0.0.1:1', users: { a: { token: SECRET } }, anonymous: false });
const SEEDS = { yaml: YAML, toml: TOML, json: JSON_TEXT } as const;

const TOKENS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '- ',
    '\n',
    '\n  ',
    '"',
    "'",
    '&a ',
    '*a',
    '!!js/function',
    '<<: *a',
    '|',
    '>',
    '#',
    '---',
    '\t',
  ],
  ...[
    '__proto__',
    'constructor',
    'listen',
    'users',
    'limits',
    'allow',
    'all',
    'null',
    'true',
    '1e999',
    '-1',
    '0x',
    '\u0000',
    '\ud800',
  ],
  ...['[['.repeat(500), 'x'.repeat(5000), '{a: '.repeat(500), '**/', '{user}', 'tcp://', 'unix://', '[a.b]', 'a = 1'],
];
const change = fc.tuple(fc.nat(), fc.nat(40), fc.oneof(fc.constantFrom(...TOKENS), fc.string({ maxLength: 20 })));
const mutated = (seed: string) =>
  fc.array(change, { maxLength: 6 }).map((changes) =>
    changes.reduce((text, [at, cut, part]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + part + text.slice(from + cut);
    }, seed),
  );
const keys = fc.constantFrom(
  'listen',
  'store',
  'log',
  'limits',
  'users',
  'groups',
  'everyone',
  'anonymous',
  '__proto__',
  'x',
);
const made = fc.dictionary(keys, fc.jsonValue({ maxDepth: 4 })).map((value) => JSON.stringify(value));
const texts = fc.oneof(
  ...Object.entries(SEEDS).map(([form, seed]) => fc.record({ form: fc.constant(form), text: mutated(seed) })),
  fc.record({ form: fc.constant('json'), text: made }),
  fc.record({ form: fc.constantFrom('yaml', 'toml', 'json'), text: fc.string({ maxLength: 300 }) }),
);

let folder: TemporaryFolder;
beforeAll(async () => (folder = await TemporaryFolder.make()));
afterAll(async () => folder[Symbol.asyncDispose]());

describe('A configuration file, whatever is in it', () => {
  it(
    'is read, or refused with what is wrong with it; no secret is repeated, and no prototype is touched',
    async () => {
      const tally = new Tally('configuration');
      const property = fc.asyncProperty(texts, async ({ form, text }) => {
        tally.add({ pieces: [Buffer.from(text)] });
        const file = join(folder.path, `spoke.${form}`);
        await writeFile(file, text);
        try {
          await readConfig(file);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.message).not.toBe('');
          const told = JSON.stringify([error.message, error]);
          expect(PARTS.filter((part) => told.includes(part))).toEqual([]);
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      });
      await fc.assert(property, budget());
      tally.report();
    },
    TIMEOUT,
  );
});
