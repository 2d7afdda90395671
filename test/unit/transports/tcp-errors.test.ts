import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';

import { parseAddress } from '../../../src/transports/index.js';
import { acceptFailed, connectFailed, connectionLost, listenFailed } from '../../../src/transports/tcp/errors.js';

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

function system(code: string): Error {
  return Object.assign(new Error(`what the system says of ${code}`), { code });
}

describe('errors of the system', () => {
  it.each([
    ['ECONNREFUSED', /nobody listens there; start the broker/],
    ['ENOTFOUND', /the host name 127\.0\.0\.1 was not found/],
    ['EAI_AGAIN', /name server/],
    ['ETIMEDOUT', /firewall/],
    ['EHOSTUNREACH', /no way leads/],
    ['ENETUNREACH', /no way leads/],
    ['ECONNRESET', /broke it off/],
    ['EMFILE', /ulimit -n/],
    ['ESTRANGE', /what the system says of ESTRANGE/],
  ])('make connecting fail by %s with a text that helps, worth trying again', (code, text) => {
    const cause = system(code);
    const error = connectFailed(address, cause);
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', retryable: true, cause });
    expect(error.details).toEqual({ address: 'tcp://127.0.0.1:7181', system: code });
    expect(error.message).toMatch(text);
    expect(error.message).toMatch(/^tcp:\/\/127\.0\.0\.1:7181: /);
    expect(error.message).toContain(code);
  });

  it.each([
    ['EADDRINUSE', 'ADDRESS_IN_USE', /another program listens/],
    ['EACCES', 'LISTEN_FAILED', /not allowed/],
    ['EADDRNOTAVAIL', 'LISTEN_FAILED', /no such address/],
    ['ENOTFOUND', 'LISTEN_FAILED', /was not found/],
    ['EMFILE', 'LISTEN_FAILED', /what the system says of EMFILE/],
  ])('make listening fail by %s as %s', (system_, code, text) => {
    const error = listenFailed(address, system(system_));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(text);
  });

  it('tell what to do when files run out while accepting', () => {
    expect(acceptFailed('tcp://0.0.0.0:7181', system('EMFILE')).message).toMatch(/ulimit -n/);
  });

  it.each([
    ['ECONNRESET', /broke it off/],
    ['EPIPE', /no longer reads/],
    ['ETIMEDOUT', /no longer be reached/],
  ])('make an open connection end by %s with the peer in the text', (code, text) => {
    const error = connectionLost('tcp://10.0.0.1:5', system(code));
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true });
    expect(error.message).toMatch(text);
    expect(error.message).toContain('tcp://10.0.0.1:5');
  });
});
