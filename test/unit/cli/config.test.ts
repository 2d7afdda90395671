// The configuration file: what it can say, and how it says what is wrong.

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';

import { hashToken } from '../../../src/access/index.js';
import { readConfig } from '../../../src/cli/config/config.js';
import { ConfigError } from '../../../src/cli/config/problem.js';
import { warnings } from '../../../src/cli/config/warnings.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoke-config-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function write(name: string, text: string, mode = 0o600): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

/** What is wrong with a file, without the folder in front. */
async function problems(name: string, text: string): Promise<readonly string[]> {
  const error: unknown = await readConfig(await write(name, text)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError: ${String(error)}`);
  return error.problems.map((line) => line.replaceAll(`${folder}/`, ''));
}

describe('a configuration file', () => {
  it('may say all that docs/access.md shows', async () => {
    const page = await readFile(new URL('../../../docs/access.md', import.meta.url), 'utf8');
    const [, example = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];
    const config = await readConfig(await write('example.yaml', example));
    expect(config.listen).toEqual([
      'tcp://127.0.0.1:7181',
      {
        url: expect.stringMatching(
          /^tls:\/\/:7183\?cert=.*server\.pem&ca=.*clients\.pem&requestCert=true&rejectUnauthorized=false$/,
        ),
        limits: { connections: 500 },
      },
      'unix:///run/spoke.sock',
    ]);
    expect(config).toMatchObject({ store: join(folder, 'data'), logLevel: 'info', limits: { connections: 5000 } });
    expect(Object.keys(config.access?.users ?? {})).toEqual(['alice', 'r2', 'r3', 'bridge-7']);
  });

  it('means the same in YAML, TOML and JSON', async () => {
    const configs = [
      await write('a.yaml', 'listen: tcp://:0\nusers: { r2: { uid: 7, allow: { publish: [a/*] } } }\n'),
      await write('a.toml', 'listen = "tcp://:0"\n[users.r2]\nuid = 7\nallow.publish = ["a/*"]\n'),
      await write(
        'a.json',
        '{\n\t"listen": ["tcp://:0"],\n\t"users": {"r2": {"uid": 7, "allow": {"publish": ["a/*"]}}}\n}\n',
      ),
    ].map(async (file) => readConfig(file));
    const [first, ...others] = await Promise.all(configs);
    expect(first).toEqual({
      listen: ['tcp://:0'],
      access: { users: { r2: { uid: 7, allow: { publish: ['a/*'] } } } },
    });
    for (const other of others) expect(other).toEqual(first);
  });

  it('may say limits of single endpoints, of connections alone', async () => {
    const file = await write('e.yaml', 'listen: [{ url: "tcp://:0", limits: { connections: 5 } }, "tcp://:1"]\n');
    const config = await readConfig(file);
    expect(config.listen).toEqual([{ url: 'tcp://:0', limits: { connections: 5 } }, 'tcp://:1']);
    expect(await problems('e.yaml', 'listen:\n  - url: tcp://:0\n    limits:\n      keptBytes: 5\n')).toEqual([
      'e.yaml:4: listen.0.limits.keptBytes: this limit holds for a whole broker; say it under limits at the top',
    ]);
    expect(await problems('e.yaml', 'listen:\n  - url: tcp://:0\n    limits: { conections: 5 }\n')).toEqual([
      'e.yaml:3: listen.0.limits.conections: there is no such key; did you mean connections?',
    ]);
    expect(await problems('e.yaml', 'listen:\n  - url: tcp://:0\n    limits: { messageBytes: 99000000 }\n')).toEqual([
      'e.yaml:3: listen.0.limits: limits.messageBytes must be below 16 MiB',
    ]);
  });

  it('may name a file with the passphrase of a key', async () => {
    await write('phrase', 'secret\n');
    const endpoint = '{ url: "tls://:0", cert: c.pem, key: k.pem, passphraseFile: phrase }';
    const { listen = [] } = await readConfig(await write('p.yaml', `listen: [${endpoint}]\n`));
    expect(listen).toEqual([expect.stringMatching(/^tls:\/\/:0\?.*passphraseFile=[^&]*phrase$/)]);
    await write('phrase', 'secret', 0o644);
    expect(await problems('p.yaml', `listen: [${endpoint}]\n`)).toEqual([
      'p.yaml:1: listen.0: passphraseFile: everyone on this machine can read phrase; chmod o-r',
    ]);
  });

  it('may leave secrets to other files, which not everyone may read', async () => {
    const text = 'users: { r2: { tokenFile: secrets/r2 } }\n';
    await mkdir(join(folder, 'secrets'), { recursive: true });
    await write('secrets/r2', 'my-token\n');
    const { access } = await readConfig(await write('b.yaml', text));
    expect(access?.users).toEqual({ r2: { token: [hashToken('my-token')] } });
    await chmod(join(folder, 'secrets/r2'), 0o644);
    expect(await problems('b.yaml', text)).toEqual([
      'b.yaml:1: users.r2: tokenFile: everyone on this machine can read secrets/r2; chmod o-r',
    ]);
  });

  test.each<readonly [name: string, text: string, ...expected: string[]]>([
    ['c.yaml', 'lisen: []\n', 'c.yaml:1: lisen: there is no such key; did you mean listen?'],
    [
      'c.yaml',
      '# one\nusers:\n  alice:\n    pasword: x\n',
      'c.yaml:4: users.alice.pasword: there is no such key; did you mean password?',
    ],
    [
      'c.yaml',
      'groups: { a: { allow: { publsh: [] } } }\n',
      'c.yaml:1: groups.a.allow.publsh: there is no such key; did you mean publish?',
    ],
    [
      'c.yaml',
      'limits: { conections: 5 }\n',
      'c.yaml:1: limits.conections: there is no such key; did you mean connections?',
    ],
    ['c.yaml', '\n\nlimits: { connections: many }\n', 'c.yaml:3: limits.connections: expected number, received string'],
    ['c.yaml', 'users:\n  a: { groups: [nowhere] }\n', 'c.yaml:2: users: users.a.groups: there is no group nowhere'],
    ['c.yaml', 'log: { level: loud }\n', 'c.yaml:1: log.level: expected one of "debug"|"info"|"warn"|"error"|"silent"'],
    ['c.yaml', 'a: [\n', 'c.yaml:2: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['c.toml', 'listen = [\n', 'c.toml:2: Invalid TOML document: invalid value'],
    ['c.json', '{"listen": }', 'c.json: not JSON: '],
    ['c.txt', '', 'c.txt: the name must end in .yaml, .yml, .toml or .json'],
    ['c.yaml', 'listen: [nowhere]\nstore: 5\n', 'c.yaml:2: store: expected string, received number'],
    ['c.yaml', 'listen: [7181]\n', 'c.yaml:1: listen.0: expected object, received number'],
    [
      'c.yaml',
      'listen: ["memory://x"]\n',
      'c.yaml:1: listen.0: memory:// joins the parts of one program; no other program could reach it',
    ],
  ])('%s with %j says where it is wrong', async (name, text, ...expected) => {
    const said = await problems(name, text);
    // What Node says of JSON depends on its version.
    expect(said.slice(0, expected.length)).toEqual(expected.map((line): unknown => expect.stringContaining(line)));
  });

  it('never repeats a password that stands where its hash should be', async () => {
    const lines = await problems('d.yaml', 'users: { alice: { password: hunter2 }, bob: { token: hunter2 } }\n');
    expect(lines.join('\n')).toContain('scrypt');
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  test.each([
    ['a bracket is open', 'd.yaml', 'log: { level: {info }\nusers: { alice: { password: hunter2 } }\n'],
    ['its key is missing', 'd.yaml', 'users:\n  alice: { hunter2, groups: [a] }\n'],
    ['it begins with a star', 'd.yaml', 'users: { alice: { password: *hunter2 } }\n'],
    ['it begins with an exclamation mark', 'd.yaml', 'users: { alice: { password: !hunter2 x } }\n'],
    ['a comma is missing', 'd.json', '{"users": {"alice": {"password": hunter2}}}'],
    ['a quote is missing', 'd.toml', '[users.alice]\npassword = "hunter2\n'],
  ])('never repeats a password, even when %s', async (_, name, text) => {
    const lines = await problems(name, text);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  it('of which a line is wrong says where, once, and not all that follows from it', async () => {
    expect(await problems('d.yaml', 'listen: @x\nlog: { level: }{ info } }\n')).toEqual([
      'd.yaml:1: a text that begins with a reserved character (@ ` % | > and others) must be quoted',
      expect.stringMatching(/^d\.yaml:2: something stands here that cannot/),
    ]);
    expect(await problems('d.json', '{\n"a": 1,\n"b" 2}')).toEqual([expect.stringMatching(/^d\.json:3: not JSON/)]);
  });

  it('of which all is wrong says all of it at once', async () => {
    expect(await problems('e.yaml', 'lisen: []\nstore: 5\nlimits: { connections: 0 }\n')).toHaveLength(3);
  });
});

describe('what is not safe', () => {
  const everywhere = ['tcp://0.0.0.0:7181', 'tls://0.0.0.0:7183'];
  const user = { alice: { password: 'a hash' } };

  test.each<readonly [string, string[], Parameters<typeof warnings>[1], RegExp[]]>([
    ['a broker for everyone', everywhere, undefined, [/everybody who can reach tcp:.*7183 may read and write/]],
    ['one for this machine', ['tcp://127.0.0.1:7181', 'tcp://[::1]:1', 'unix:///run/x'], undefined, []],
    [
      'passwords without TLS',
      everywhere,
      { users: user },
      [/passwords and tokens can be read on their way to tcp:\/\/0\.0\.0\.0:7181;/],
    ],
    ['passwords with TLS', ['wss://0.0.0.0:7182'], { users: user }, []],
    [
      'an anonymous user who may do everything',
      everywhere,
      { anonymous: { allow: 'all' } },
      [/has not logged in may read and write everything/],
    ],
    ['an anonymous user who may do something', everywhere, { anonymous: { allow: { subscribe: ['a'] } } }, []],
  ])('of %s is said on start', (_, addresses, access, expected) => {
    const said = warnings(addresses, access);
    expect(said).toHaveLength(expected.length);
    for (const [i, text] of expected.entries()) expect(said[i]).toMatch(text);
  });
});
