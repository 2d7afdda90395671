import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';

import { parseAddress } from '../../../src/transports/index.js';
import { connectFailed, listenFailed } from '../../../src/transports/tcp/errors.js';

const address = parseAddress('tcp://127.0.0.1:7181');

// Bundlers, test runners and embedders run code in realms of their own, and Node's errors are of the main one.
describe('errors of the system from another realm', () => {
  it('are known by their code', () => {
    const inUse: unknown = runInNewContext("Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' })");
    expect(inUse).not.toBeInstanceOf(Error);
    expect(listenFailed(address, inUse)).toMatchObject({ code: 'ADDRESS_IN_USE', details: { system: 'EADDRINUSE' } });
  });

  it('are known by the code of the first attempt, when there were several', () => {
    const refused: unknown = runInNewContext(
      "new AggregateError([Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })])",
    );
    expect(connectFailed(address, refused).message).toMatch(/nobody listens there/);
  });

  it('give their own text when they have no code', () => {
    const strange: unknown = runInNewContext("new AggregateError([new Error('one'), new Error('two')])");
    expect(listenFailed(address, strange).message).toContain('cannot listen: one; two');
  });
});
