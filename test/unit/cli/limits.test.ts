import { describe, expect, it } from '@jest/globals';

import { collectLimit, limitLines } from '../../../src/cli/limits.js';

describe('--limit', () => {
  it('takes a name and a number, with a unit or none, several times', () => {
    const first = collectLimit('connections=500');
    expect(collectLimit('messageBytes=1.5MiB', first)).toEqual({ connections: 500, messageBytes: 1_572_864 });
    expect(collectLimit('messagesPerSecond=none')).toEqual({ messagesPerSecond: Infinity });
  });

  it.each([
    ['connections', 'takes name=value'],
    ['connections=', 'takes name=value'],
    ['connections=-1', 'takes name=value'],
    ['conections=5', '--limits lists them'],
    ['connections=0', 'must be a positive number'],
    ['messageBytes=16MiB', 'must be below 16 MiB'],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => collectLimit(text)).toThrow(message);
  });
});

describe('--limits', () => {
  it('prints every limit as it would hold, with its unit', () => {
    const lines = limitLines({ connections: 500 }).split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^connections +500$/));
    expect(lines).toContainEqual(expect.stringMatching(/^outboundBytes +33554432 bytes$/));
    expect(lines).toContainEqual(expect.stringMatching(/^holdTime +2000 ms$/));
    expect(lines).toContainEqual(expect.stringMatching(/^messagesPerSecond +none$/));
  });
});
