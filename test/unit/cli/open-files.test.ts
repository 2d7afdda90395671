import { describe, expect, it } from '@jest/globals';

import { warnOfFewFiles, watchFiles } from '../../../src/cli/open-files.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const table = (files: string) =>
  `Limit                     Soft Limit           Hard Limit\nMax open files            ${files}                 8192\n`;

describe('a server says on start that its connections may not all be let in', () => {
  it.each([
    ['fewer files than connections', table('1024'), 1],
    ['none to spare for itself', table('1000'), 1],
    ['enough files', table('2000'), 0],
    ['any number of files', table('unlimited'), 0],
    ['a system that does not tell', '', 0],
  ])('with %s', (_, text, lines) => {
    const log = new RecordingLogger();
    warnOfFewFiles(log, lines === 1 && text.includes('1024') ? 10_000 : 1000, text);
    expect(log.lines.warn).toHaveLength(lines);
  });
});

it('says once when no more files can be opened, and once when they can be again', () => {
  const log = new RecordingLogger();
  const timers: (() => void)[] = [];
  let trouble: Error | undefined;
  const stop = watchFiles(log, { setTimer: (_, look) => (timers.push(look), () => timers.pop()) }, () => {
    if (trouble !== undefined) throw trouble;
  });
  const second = (error?: Error) => {
    trouble = error;
    timers.shift()?.();
  };
  second(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
  expect([log.lines.error.length, log.lines.warn.length]).toEqual([0, 0]);
  for (let n = 0; n < 3; n++) second(Object.assign(new Error('too many'), { code: 'EMFILE' }));
  expect([log.lines.error.length, log.lines.warn.length]).toEqual([1, 0]);
  for (let n = 0; n < 3; n++) second();
  expect([log.lines.error.length, log.lines.warn.length]).toEqual([1, 1]);
  stop();
  expect(timers).toEqual([]);
});
