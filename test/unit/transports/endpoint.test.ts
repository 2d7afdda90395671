import { describe, expect, it } from '@jest/globals';

import { connectUrl, listenUrl } from '../../../src/transports/index.js';
import type { Endpoint, Environment } from '../../../src/transports/index.js';

type Case = [Endpoint | undefined, Environment, string];

describe('the endpoint a client connects to', () => {
  it.each<Case>([
    [undefined, {}, 'tcp://localhost:7181'],
    [{}, {}, 'tcp://localhost:7181'],
    [undefined, { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'tcp://h:9'],
    [undefined, { SPOKEHOST: '', SPOKEPORT: ' ' }, 'tcp://localhost:7181'],
    [undefined, { SPOKEHOST: '::1' }, 'tcp://[::1]:7181'],
    [undefined, { SPOKEHOST: '[::1]' }, 'tcp://[::1]:7181'],
    [{ host: 'given' }, { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'tcp://given:9'],
    [{ port: 3 }, { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'tcp://h:3'],
    [{ host: 'given', port: 3 }, { SPOKEPORT: 'bad' }, 'tcp://given:3'],
    [{ host: '' }, {}, 'tcp://localhost:7181'],
    ['tcp://:1', { SPOKEHOST: 'h' }, 'tcp://localhost:1'],
    ['tcp://x', { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'tcp://x:7181'],
    ['tcp://[::1]:1', {}, 'tcp://[::1]:1'],
    ['tls://', { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'tls://localhost:7181'],
    ['ws://', {}, 'ws://localhost:7182'],
    ['wss://', { SPOKEWEBHOST: 'w', SPOKEWEBPORT: '8', SPOKEHOST: 'h', SPOKEPORT: '9' }, 'wss://w:8'],
    ['ws://', { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'ws://h:9'],
    ['ws://', { SPOKEWEBHOST: '::1', SPOKEPORT: '9' }, 'ws://[::1]:9'],
    ['ws://:8', { SPOKEWEBHOST: 'w', SPOKEWEBPORT: 'bad' }, 'ws://w:8'],
    ['ws:///path?token=x', { SPOKEWEBHOST: 'w' }, 'ws://w:7182/path?token=x'],
    ['ws://given', { SPOKEWEBHOST: 'w', SPOKEWEBPORT: '8' }, 'ws://given:7182'],
    ['memory://a', { SPOKEPORT: '9' }, 'memory://a'],
    ['unix:///run/spoke.sock', {}, 'unix:///run/spoke.sock'],
  ])('given %j and %j it is %s', (endpoint, env, url) => {
    expect(connectUrl(endpoint, env)).toBe(url);
  });
});

describe('the endpoint a broker listens on', () => {
  it.each<Case>([
    [undefined, {}, 'tcp://0.0.0.0:7181'],
    [undefined, { SPOKEHOST: 'h', SPOKEPORT: '9' }, 'tcp://0.0.0.0:9'],
    [undefined, { SPOKEPORT: '0' }, 'tcp://0.0.0.0:0'],
    [{ host: '127.0.0.1' }, { SPOKEPORT: '9' }, 'tcp://127.0.0.1:9'],
    [{ port: 0 }, { SPOKEPORT: '9' }, 'tcp://0.0.0.0:0'],
    ['tcp://:7181', {}, 'tcp://0.0.0.0:7181'],
    ['tcp://', { SPOKEPORT: '9' }, 'tcp://0.0.0.0:7181'],
    ['tls://', { SPOKEPORT: '9' }, 'tls://0.0.0.0:7181'],
    ['tls://?cert=a%26b', {}, 'tls://0.0.0.0:7181?cert=a%26b'],
    ['ws://', {}, 'ws://0.0.0.0:7182'],
    ['ws://', { SPOKEWEBHOST: 'w', SPOKEHOST: 'h', SPOKEWEBPORT: '8', SPOKEPORT: '9' }, 'ws://0.0.0.0:8'],
    ['wss://', { SPOKEPORT: '9' }, 'wss://0.0.0.0:9'],
    ['ws://127.0.0.1', { SPOKEWEBPORT: '8' }, 'ws://127.0.0.1:7182'],
    ['ws://:0', { SPOKEWEBPORT: '8' }, 'ws://0.0.0.0:0'],
    ['memory://a', { SPOKEPORT: '9' }, 'memory://a'],
  ])('given %j and %j it is %s', (endpoint, env, url) => {
    expect(listenUrl(endpoint, env)).toBe(url);
  });
});

describe('what cannot be meant is refused by name', () => {
  it.each<[Endpoint | undefined, Environment, RegExp]>([
    [undefined, { SPOKEPORT: 'abc' }, /SPOKEPORT is "abc"/],
    [undefined, { SPOKEPORT: '70000' }, /SPOKEPORT is "70000"/],
    [undefined, { SPOKEPORT: '1.5' }, /SPOKEPORT/],
    [undefined, { SPOKEHOST: 'tcp://h:1' }, /SPOKEHOST is "tcp:\/\/h:1"/],
    [undefined, { SPOKEHOST: 'h:1' }, /SPOKEHOST is "h:1"/],
    [{ port: 70_000 }, {}, /port 70000/],
    [{ port: 1.5 }, {}, /port 1.5/],
    [{ port: -1 }, {}, /port -1/],
    [{ host: 'tcp://h' }, {}, /host "tcp:\/\/h"/],
    [{ host: 'h:1' }, {}, /host "h:1"/],
    ['ws://', { SPOKEWEBPORT: 'abc' }, /SPOKEWEBPORT is "abc"/],
    ['ws://', { SPOKEWEBHOST: 'h:1' }, /SPOKEWEBHOST is "h:1"/],
    ['localhost', {}, /did you mean tcp:\/\/localhost\?/],
  ])('%j and %j', (endpoint, env, text) => {
    expect(() => connectUrl(endpoint, env)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }));
    expect(() => connectUrl(endpoint, env)).toThrow(text);
  });
});
