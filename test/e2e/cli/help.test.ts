/** What all commands have in common. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

import type { CommandName } from './commands.js';
import { endAll, run, start } from './commands.js';

jest.setTimeout(60_000);
afterEach(endAll);

const root = new URL('../../../', import.meta.url);
const commands: readonly CommandName[] = [
  'spoke-server',
  'spoke-echo',
  'spoke-publish',
  'spoke-call',
  'spoke-kept',
  'spoke-passwd',
  'spoke-clients',
  'spoke-bridge',
  'spoke-proxy',
  'spoke-bench',
];

describe.each(commands)('%s', (name) => {
  test.each(['-h', '--help'])('explains itself with examples and exit codes (%s)', async (flag) => {
    const { code, stdout, stderr } = await run(name, [flag]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: ${name} \\[options\\]`));
    expect(stdout).toMatch(new RegExp(`\nExamples:\n  ${name}`));
    expect(stdout).toMatch(/\nExit codes:\n {2}0 +done\n {2}1 +\S.*\n {2}2 +wrong usage/);
  });

  test('has every option of its help in docs/commands.md', async () => {
    const { stdout } = await run(name, ['--help']);
    const text = await readFile(new URL('docs/commands.md', root), 'utf8');
    const section = text.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
    const common = text.split(/^## /m).find((part) => part.startsWith('Common to all')) ?? '';
    for (const [option] of stdout.matchAll(/--[a-z][a-z0-9-]+(?=[ ,])/g))
      expect(`${section}${common}`).toContain(option);
  });

  test('is quiet when its help is cut short, as by `| head -1`', async () => {
    const command = start(name, ['--help']);
    command.child.stdout?.destroy();
    expect(await command.ended()).toMatchObject({ code: 0, stderr: '' });
  });

  test('tells the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { version: string };
    expect(await run(name, ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('answers an unknown option with one line and exit code 2', async () => {
    const { code, stdout, stderr } = await run(name, ['--no-such-option']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`${name}: unknown option '--no-such-option'; see ${name} --help\n`);
  });

  test('answers it with a JSON object under --json', async () => {
    const { code, stderr } = await run(name, ['--json', '--no-such-option']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'USAGE', message: expect.stringContaining('--no-such-option') },
    });
  });
});
