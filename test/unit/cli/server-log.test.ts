/** The log of spoke-server on a terminal. As JSON lines: test/e2e/cli/server.test.ts. */
import { expect, test } from '@jest/globals';

import { humanLine } from '../../../src/cli/server-log.js';

const clock = '\\d\\d:\\d\\d:\\d\\d';

test('a line has the time, the level, what happened, and the rest as key=value', () => {
  const line = humanLine('{"level":40,"time":1700000000000,"from":"tcp://[::1]:5","count":2,"msg":"refused: why"}');
  expect(line).toMatch(new RegExp(`^${clock} warn  refused: why  from=tcp://\\[::1\\]:5  count=2$`));
});

test('an error is its text, without a stack trace', () => {
  const err = { type: 'SpokeError', message: 'no space left', stack: 'Error: no space left\n    at somewhere' };
  const line = humanLine(JSON.stringify({ level: 50, time: 0, err, msg: 'not kept' }));
  expect(line).toMatch(new RegExp(`^${clock} error not kept  cause=no space left$`));
});

test('control characters that a peer sent do not reach the terminal', () => {
  const line = humanLine(JSON.stringify({ level: 30, time: 0, channel: 'a\u001b[2J', msg: 'two\nlines' }));
  expect(line).toMatch(new RegExp(`^${clock} info  two\\\\u000alines  channel=a\\\\u001b\\[2J$`));
});
