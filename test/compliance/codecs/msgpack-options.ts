// What the codec suite is told about msgpack. The codecs that pass it are apart.

import { pack } from 'msgpackr';
import type { BadPayload, CodecSuiteOptions } from '../../../src/testing/codec-suite.js';

/** A payload of a head and a body, both as bytes. */
function payload(head: Uint8Array, body: Uint8Array = Uint8Array.of(0xc0)): Uint8Array {
  return Uint8Array.from([head.length >>> 8, head.length & 0xff, ...head, ...body]);
}

function frame(content: Uint8Array): Uint8Array {
  const { length } = content;
  return Uint8Array.from([0, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff, ...content]);
}

const head = (value: unknown): Uint8Array => pack(value);
const good = head({ channel: 'a' });
const body = (what: string, ...bytes: number[]): BadPayload => ({
  what,
  payload: payload(good, Uint8Array.from(bytes)),
});

export const msgpackOptions: CodecSuiteOptions = {
  frame,
  foreign: [Uint8Array.of(0x7b), Uint8Array.of(0x7b, 0x22, 0x68, 0x65, 0x61, 0x64, 0x22), Uint8Array.of(0xff, 0xff)],
  values: [12345678901234567890n, -(2n ** 63n), NaN, Infinity, -Infinity, new Date(1e12), -0.5, 2 ** 53],
  notEncodable: [
    { what: 'a bigint beyond 64 bits', body: 2n ** 64n },
    { what: 'a bigint beyond 64 bits inside', body: { a: [2n ** 70n] } },
  ],
  malformed: [
    { what: 'nothing', payload: new Uint8Array(0) },
    { what: 'half of a head length', payload: Uint8Array.of(0) },
    { what: 'a head longer than the message', payload: Uint8Array.of(0, 9, 0x80) },
    { what: 'no head', payload: payload(new Uint8Array(0)) },
    { what: 'a head that is a text', payload: payload(head('a')) },
    { what: 'a head that is nil', payload: payload(head(null)) },
    { what: 'a head without a channel', payload: payload(head({ time: 1.5 })) },
    { what: 'a channel that is a number', payload: payload(head({ channel: 5 })) },
    { what: 'the head key `self`', payload: payload(head({ channel: 'a', self: 1 })) },
    { what: 'the head key `body`', payload: payload(head({ channel: 'a', body: 1 })) },
    { what: 'a head with bytes behind it', payload: payload(Uint8Array.from([...good, 0xc0])) },
    { what: 'a text as the time', payload: payload(head({ channel: 'a', time: 'now' })), code: 'TIME_INVALID' },
    { what: 'a time that is nil', payload: payload(head({ channel: 'a', time: null })), code: 'TIME_INVALID' },
    { what: 'a time that is NaN', payload: payload(head({ channel: 'a', time: NaN })), code: 'TIME_INVALID' },
    body('no body'),
    body('two bodies', 0xc0, 0xc0),
    body('a type that does not exist', 0xc1),
    body('a text that is cut short', 0xa3, 0x61, 0x62),
    body('a text without its length', 0xd9),
    body('a long text that is cut short', 0xdb, 0, 0, 0, 9, 0x61),
    body('binary data that is cut short', 0xc4, 3, 1, 2),
    body('an array that is cut short', 0x92, 1),
    body('an array of four billion', 0xdd, 0xff, 0xff, 0xff, 0xff, 1),
    body('a map that is cut short', 0x81, 0xa1, 0x61),
    body('a map of four billion', 0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61, 1),
    body('a map with an array as a key', 0x81, 0x90, 1),
    body('a map with nil as a key', 0x81, 0xc0, 1),
    body('a map with a float as a key', 0x81, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 1),
    body('a float that is cut short', 0xcb, 0, 0),
    body('an integer that is cut short', 0xcf, 0, 0),
    body('an extension that is no timestamp', 0xd4, 0x05, 0),
    body('a regular expression of msgpackr', 0xc7, 3, 0x78, 0x92, 0xa0, 0xa0),
    body('a timestamp that is cut short', 0xd6, 0xff, 0, 0),
    body('a timestamp of another length', 0xc7, 5, 0xff, 0, 0, 0, 0, 0),
  ],
  layouts: [
    {
      what: 'a time that is not last',
      payload: payload(head({ time: 5.5, channel: 'a/b' })),
      channel: 'a/b',
      time: 5.5,
    },
    { what: 'a time that is an integer', payload: payload(head({ channel: 'a', time: 7 })), channel: 'a', time: 7 },
    { what: 'integers as map keys', payload: payload(good, Uint8Array.of(0x81, 5, 6)), channel: 'a', body: { 5: 6 } },
    {
      what: 'persist and bounce as numbers',
      payload: payload(head({ channel: 'a', persist: 1, bounce: 0 })),
      channel: 'a',
      persist: true,
      bounce: false,
    },
  ],
};
