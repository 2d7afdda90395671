// What a client says of what it read of a history.

import { expect, it } from '@jest/globals';

import { MAX_WINDOW, readHandled } from '../../../src/link/history-control.js';

const pairs = (count: number) => Array.from({ length: count }, (_, n) => [2 * n, 2 * n]);
const handled = (done: number, again: number) => ({ n: 1, done: pairs(done), again: pairs(again), more: 0 });

it('answers for no more messages at once than a client may have, or a broker would look through them for seconds', () => {
  const most = handled(MAX_WINDOW, MAX_WINDOW);
  expect(readHandled(most)).toEqual(most);
  expect(readHandled(handled(MAX_WINDOW + 1, 0))).toBeUndefined();
  expect(readHandled(handled(0, MAX_WINDOW + 1))).toBeUndefined();
});
