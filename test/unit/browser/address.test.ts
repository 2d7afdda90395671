import { describe, expect, it } from '@jest/globals';

import { pageUrl, readAddress } from '../../../src/browser/address.js';
import { parseAddress } from '../../../src/transports/index.js';

describe('the broker of a page', () => {
  it('is on port 7182 of the host that the page came from, whatever the port of the page', () => {
    expect(pageUrl(new URL('http://app.example:8080/a/b?c'))).toBe('ws://app.example:7182');
    expect(pageUrl(new URL('http://[::1]:8080/'))).toBe('ws://[::1]:7182');
  });

  it('is reached by wss:// from a page that came by https://', () => {
    expect(pageUrl(new URL('https://app.example/'))).toBe('wss://app.example:7182');
  });

  it('is on this machine for a page from a file, and where there is no location', () => {
    expect(pageUrl(new URL('file:///tmp/page.html'))).toBe('ws://localhost:7182');
    expect(pageUrl(undefined)).toBe('ws://localhost:7182');
    expect(pageUrl('nowhere')).toBe('ws://localhost:7182');
  });
});

describe('an address in a page', () => {
  it.each([
    'ws://localhost',
    'ws://localhost:7182',
    'WSS://App.Example:443/a/b%20c?token=a%3Db&x=1=2&y',
    'wss://[fe80::1]:9000/p?',
    'ws://',
    'ws://:80/',
    'ws://h?a=b',
    'memory://broker',
    'ws://h/%C3%A4',
    'ws://h:80/a@b?c=a@b+c',
  ])('is understood as Node understands it: %s', (url) => {
    expect(readAddress(url)).toEqual(parseAddress(url));
  });

  it.each([
    '',
    'localhost',
    'ws:localhost',
    '//host',
    'ws://user:secret@host',
    'ws://host:port',
    'ws://host:123456',
    'ws://a b',
    'ws://[::1',
    'ws://h/#x',
    'ws://h/%zz',
  ])('is refused when it is none: %s', (url) => {
    expect(() => readAddress(url)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
    expect(() => parseAddress(url)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
  });
});
