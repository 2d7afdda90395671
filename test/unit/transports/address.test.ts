import { describe, expect, it } from '@jest/globals';
import { fc } from '../../support/fast-check.js';

import { SpokeError } from '../../../src/contracts/index.js';
import { formatAddress, parseAddress } from '../../../src/transports/index.js';

function refusal(url: string): string {
  try {
    parseAddress(url);
  } catch (error) {
    if (error instanceof SpokeError && error.code === 'ADDRESS_INVALID') return error.message;
    throw error;
  }
  throw new Error(`${url} was accepted`);
}

describe('parseAddress', () => {
  it.each([
    ['tcp://localhost:7181', { scheme: 'tcp', host: 'localhost', port: 7181, path: '' }],
    ['tcp://:7181', { host: '', port: 7181 }],
    ['tcp://', { host: '', port: undefined }],
    ['TCP://Host', { scheme: 'tcp', host: 'Host', port: undefined }],
    ['tcp://h:0', { port: 0 }],
    ['tcp://h:65535', { port: 65535 }],
    ['tcp://[::1]:7181', { host: '::1', port: 7181 }],
    ['tcp://[::]', { host: '::', port: undefined }],
    ['tcp://[::ffff:127.0.0.1]:1', { host: '::ffff:127.0.0.1', port: 1 }],
    ['tcp://[fe80::1%25eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['tcp://[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['memory://my%20net', { scheme: 'memory', host: 'my net', path: '' }],
    ['unix:///run/spoke.sock', { scheme: 'unix', host: '', path: '/run/spoke.sock' }],
    ['unix:///a%20b/%23c%3F', { path: '/a b/#c?' }],
    ['ws://h:1/a/b', { host: 'h', port: 1, path: '/a/b' }],
    ['x+y-z.1://h', { scheme: 'x+y-z.1', host: 'h' }],
  ])('takes %s apart', (url, parts) => {
    expect(parseAddress(url)).toMatchObject({ href: url, ...parts });
  });

  it('decodes parameters, those without a value and those named like a property included', () => {
    const { params, host, path } = parseAddress('tcp://h?a=1&b&c=x%26y+z&__proto__=p&&d=1=2');
    expect([...params]).toEqual([
      ['a', '1'],
      ['b', ''],
      ['c', 'x&y+z'],
      ['__proto__', 'p'],
      ['d', '1=2'],
    ]);
    expect({ host, path }).toEqual({ host: 'h', path: '' });
  });

  it.each([
    ['localhost', 'did you mean tcp://localhost?'],
    ['localhost:7181', 'did you mean tcp://localhost:7181?'],
    ['localhost:7181/x', 'did you mean tcp://localhost:7181/x?'],
    ['example.org:x', 'did you mean tcp://example.org:x?'],
    ['tcp:localhost', 'did you mean tcp://localhost?'],
    ['tcp:/localhost', 'did you mean tcp://localhost?'],
    ['/run/spoke.sock', 'did you mean unix:///run/spoke.sock?'],
    ['./spoke.sock', 'did you mean unix://./spoke.sock?'],
    ['../spoke.sock', 'did you mean unix://../spoke.sock?'],
    ['unix:./spoke.sock', 'did you mean unix://./spoke.sock?'],
    ['', 'it is empty'],
    ['  ', 'it is empty'],
    [' tcp://h', 'white space'],
    ['tcp://h:', 'not a port'],
    ['tcp://h:65536', 'from 0 to 65535'],
    ['tcp://h:-1', 'not a port'],
    ['tcp://h:1x', 'not a port'],
    ['tcp://h:999999', 'not a port'],
    ['tcp://::1:7181', 'in brackets'],
    ['tcp://[::1', 'not closed'],
    ['tcp://[::1]7181', 'not a port'],
    ['tcp://[localhost]', 'not an IPv6 address'],
    ['tcp://a b', 'not a host name'],
    ['tcp://a%2Fb', 'not a host name'],
    ['tcp://h?a=1&a=2', 'given twice'],
    ['tcp://h#x', '%23'],
    ['unix:///%zz', '%25'],
    ['unix:///%ff', 'UTF-8'],
    ['unix:///a%00b', 'control character'],
    ['tcp://h\n', 'control character'],
    ['unix:///\ud800', 'half of a character'],
  ])('refuses %j and says why', (url, text) => {
    expect(refusal(url)).toContain(text);
  });

  it('does not repeat a password', () => {
    expect(refusal('tcp://me:secret@host:1')).not.toContain('secret');
  });

  it('does not repeat a text without end', () => {
    expect(refusal('x'.repeat(10_000)).length).toBeLessThan(1_000);
  });

  it('accepts or refuses any text, and nothing else', () => {
    const likely = fc.string({
      unit: fc.constantFrom('tcp://', 'a', ':', '/', '[', ']', '%', '%41', '?', '=', '&', '1', 'é'),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          likely,
          likely.map((rest) => `tcp://${rest}`),
        ),
        (text) => {
          let address;
          try {
            address = parseAddress(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ADDRESS_INVALID' });
            return;
          }
          const { href: _, ...parts } = address;
          const { href: __, ...again } = parseAddress(formatAddress(parts));
          expect(again).toEqual(parts);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('formatAddress', () => {
  it.each([
    [{ scheme: 'tcp', host: '0.0.0.0', port: 7181 }, 'tcp://0.0.0.0:7181'],
    [{ scheme: 'tcp', host: '::1', port: 0 }, 'tcp://[::1]:0'],
    [{ scheme: 'tcp', host: 'fe80::1%eth0' }, 'tcp://[fe80::1%25eth0]'],
    [{ scheme: 'tcp', port: 1 }, 'tcp://:1'],
    [{ scheme: 'unix', path: '/a b/#c?' }, 'unix:///a%20b/%23c%3F'],
    [{ scheme: 'ws', host: 'h', path: '/p', params: new Map([['a&', '=']]) }, 'ws://h/p?a%26=%3D'],
  ])('puts %j together', (parts, url) => {
    expect(formatAddress(parts)).toBe(url);
  });
});
