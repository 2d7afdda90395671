import { describe, expect, it } from '@jest/globals';

import type { Transport } from '../../../src/contracts/index.js';
import { MemoryTransport, parseAddress, TransportRegistry } from '../../../src/transports/index.js';

function transport(...schemes: string[]): Transport {
  const unused = () => Promise.reject(new Error('not used'));
  return { schemes, connect: unused, listen: unused };
}

describe('TransportRegistry', () => {
  it('finds a transport by each of its schemes, in a URL or an address', () => {
    const web = transport('ws', 'wss');
    const serial = transport('serial');
    const registry = new TransportRegistry([web, serial]);
    expect(registry.find('ws://h')).toBe(web);
    expect(registry.find('WSS://h')).toBe(web);
    expect(registry.find(parseAddress('serial:///dev/ttyUSB0'))).toBe(serial);
    expect(registry.schemes).toEqual(['ws', 'wss', 'serial']);
  });

  it('refuses two transports of one scheme', () => {
    expect(() => new TransportRegistry([transport('a', 'b'), transport('b')])).toThrow(
      expect.objectContaining({ code: 'DUPLICATE', message: expect.stringContaining('b://') }),
    );
  });

  it.each(['', 'TCP', 'tcp:', '1a'])('refuses the scheme %j, which no URL has', (scheme) => {
    expect(() => new TransportRegistry([transport(scheme)])).toThrow(TypeError);
  });

  it('names the known schemes when it does not know one', () => {
    const registry = new TransportRegistry([transport('tcp'), new MemoryTransport()]);
    expect(() => registry.find('ftp://h')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_SCHEME', message: expect.stringContaining('tcp://, memory://') }),
    );
    expect(() => new TransportRegistry([]).find('tcp://h')).toThrow('known: none');
  });

  it('explains how a memory network is shared', () => {
    expect(() => new TransportRegistry([transport('tcp')]).find('memory://a')).toThrow(/same object/);
  });

  it('refuses a text that is no URL', () => {
    expect(() => new TransportRegistry([]).find('localhost')).toThrow(
      expect.objectContaining({ code: 'ADDRESS_INVALID' }),
    );
  });
});
