import { describe, expect, it } from '@jest/globals';

import { warnOfFewFiles } from '../../../src/cli/open-files.js';
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
