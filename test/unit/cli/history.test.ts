// `--history`, the same in a file, and `--from`.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { readConfig } from '../../../src/cli/config/config.js';
import { collectHistory, fromOf } from '../../../src/cli/history.js';

describe('--history', () => {
  it('takes an age, a size and a number of messages, in any order', () => {
    expect(collectHistory('sensors/**=7d,1GB')).toEqual([
      { pattern: 'sensors/**', maxAge: 604_800_000, maxBytes: 1_000_000_000 },
    ]);
    expect(collectHistory('a=b/*=1.5GiB,90s,1000', collectHistory('/x/=30m'))).toEqual([
      { pattern: 'x', maxAge: 1_800_000 },
      { pattern: 'a=b/*', maxBytes: 1_610_612_736, maxAge: 90_000, maxMessages: 1000 },
    ]);
  });

  it.each(['x', 'x=', 'x=7', 'x=7weeks', 'x=0', 'x=1d,2d', 'x=-1d', 'x=1d,'])(
    'refuses %s, unless it is right',
    (text) => {
      if (text === 'x=7') expect(collectHistory(text)).toEqual([{ pattern: 'x', maxMessages: 7 }]);
      else expect(() => collectHistory(text)).toThrow(/--history/);
    },
  );

  it('is told in a file by pattern', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spoke-history-'));
    try {
      const file = join(folder, 'spoke.yaml');
      await writeFile(file, 'history:\n  sensors/**: 7d, 1GB\n  jobs/*: 100000\n');
      expect((await readConfig(file)).history).toEqual([
        { pattern: 'sensors/**', maxAge: 604_800_000, maxBytes: 1_000_000_000 },
        { pattern: 'jobs/*', maxMessages: 100_000 },
      ]);
      await writeFile(file, 'history:\n  sensors/**: for ever\n');
      await expect(readConfig(file)).rejects.toThrow(/spoke\.yaml:2: .*for ever is no limit/);
      await writeFile(file, 'history:\n  a/**: 7d\n  "**/b": 7d\n');
      await expect(readConfig(file)).rejects.toThrow(/channels in common/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('--from', () => {
  it('takes a place, a date, or how long ago', () => {
    const now = Date.UTC(2026, 10, 22);
    expect(fromOf('start', now)).toBe('start');
    expect(fromOf('17', now)).toBe(17);
    expect(fromOf('90m', now)).toEqual(new Date(now - 5_400_000));
    expect(fromOf('2026-11-21T12:00:00Z', now)).toEqual(new Date(Date.UTC(2026, 10, 21, 12)));
    for (const text of ['', 'yesterday', '1w', '-5']) expect(() => fromOf(text, now)).toThrow(/--from/);
  });
});
