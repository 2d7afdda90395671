// Messages that a broker refuses, and strange ones that it must not.

import { Buffer } from 'node:buffer';
import type { Limits, SpokeErrorCode } from 'spoke';

/** Small enough to be passed on purpose. */
export const LIMITS = {
  messageBytes: 64 * 1024,
  headBytes: 2048,
  bodyDepth: 900,
  channelLength: 200,
  channelDepth: 20,
  globstars: 3,
} satisfies Partial<Limits>;

export interface Refused {
  readonly what: string;
  /** Without the NUL. */
  readonly bytes: string | Uint8Array;
  readonly code: SpokeErrorCode;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const inBody = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('{"head": {"channel": "bad"}, "body": "'), bytes, Buffer.from('"}')]);
const inChannel = (bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from('{"head": {"channel": "bad/'), bytes, Buffer.from('"}, "body": 1}')]);
const body = (text: string): string => `{"head": {"channel": "bad"}, "body": ${text}}`;
const head = (text: string): string => `{"head": ${text}, "body": 1}`;
const key = (text: string): string => head(`{"channel": "bad", ${text}}`);
const control = (name: string, text: string): string => `{"head": {"channel": "-control/${name}"}, "body": ${text}}`;
const DEEP = 100_000;

function malformed(cases: Readonly<Record<string, string | Uint8Array>>): Refused[] {
  return Object.entries(cases).map(([what, bytes]) => ({ what, bytes, code: 'MALFORMED' }));
}
function tooMuch(cases: Readonly<Record<string, string>>): Refused[] {
  return Object.entries(cases).map(([what, bytes]) => ({ what, bytes, code: 'LIMIT_EXCEEDED' }));
}
function wrongTime(cases: Readonly<Record<string, string>>): Refused[] {
  return Object.entries(cases).map(([what, bytes]) => ({ what, bytes, code: 'TIME_INVALID' }));
}

/** Whoever reads these refuses them, broker or client. */
export const UNREADABLE: readonly Refused[] = [
  ...malformed({
    'a byte that is no UTF-8': inBody(hex('ff')),
    'a character cut off by its string': inBody(hex('e2 82')),
    'a slash in too many bytes': inBody(hex('c0 af')),
    'a surrogate in UTF-8': inBody(hex('ed a0 80')),
    'a character beyond Unicode': inBody(hex('f4 90 80 80')),
    'a channel that is no UTF-8': inChannel(hex('80')),
    'Latin-1': Buffer.from(body('"Grüße"'), 'latin1'),
    'UTF-16': Buffer.from(body('"x"').replace(/[^]/g, '$&\u0001'), 'latin1'),
    'digits and a brace': `${'9'.repeat(40)}}`,
    'a head of nothing but digits': `{"head": {"time": ${'1'.repeat(30)}}`,
    'a brace alone, and many': '}'.repeat(64),
    'a byte order mark': `\ufeff${body('1')}`,
    'nothing at all': '',
    'blanks only': ' \t\r\n ',
    'a word': 'hello',
    'the beginning of another protocol': 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'an array': '[{"head": {"channel": "bad"}}]',
    'a string': '"bad"',
    'a number': '7',
    null: 'null',
    'no head': '{"body": 1}',
    'an empty object': '{}',
    'a head that is null': head('null'),
    'a head that is an array': head('["channel", "bad"]'),
    'a head that is a string': head('"bad"'),
    'a head that is a number': head('1'),
    'a head without a channel': head('{"time": 1}'),
    'a channel that is a number': head('{"channel": 1}'),
    'a channel that is null': head('{"channel": null}'),
    'a channel that is an array': head('{"channel": ["bad"]}'),
    'a channel that is an object': head('{"channel": {"bad": 1}}'),
    'a channel that is true': head('{"channel": true}'),
    'the head key body': key('"body": 1'),
    'the head key self': key('"self": null'),
    'the head key self, escaped': key('"\\u0073elf": 1'),
    'NaN as a body': body('NaN'),
    'Infinity in a body': body('[1, Infinity]'),
    '-Infinity in a body': body('{"x": -Infinity}'),
    'NaN as a head key': key('"x": NaN'),
    'undefined as a body': body('undefined'),
    'single quotes': "{'head': {'channel': 'bad'}, 'body': 1}",
    'Python literals': body('True'),
    'a word that begins like one': body('nulL'),
    'a comma too many': body('[1, ]'),
    'a comma too many in an object': body('{"a": 1, }'),
    'a comma too few': '{"head": {"channel": "bad"} "body": 1}',
    'a comment': body('1 /* one */'),
    'a number with a leading zero': body('01'),
    'a number with a plus': body('+1'),
    'a number that begins with a dot': body('.5'),
    'a number that ends with a dot': body('5.'),
    'a hexadecimal number': body('0x10'),
    'a number with an empty exponent': body('1e'),
    'a lone minus': body('-'),
    'a raw line break in a string': body('"a\nb"'),
    'an unknown escape': body('"\\x41"'),
    'a short escape': body('"\\u12"'),
    'a key without quotes': body('{a: 1}'),
    'a key that is a number': body('{1: 1}'),
    'no value': '{"head": {"channel": "bad"}, "body":}',
    'something behind': `${body('1')} 2`,
    'two messages without a NUL between': `${body('1')}${body('2')}`,
    'an open string': body('"abc').slice(0, -1),
    'open arrays': body('['.repeat(50)).slice(0, -1),
    'closers without openers': body('1]]]}}}'),
    'a message that is an array 60,000 deep': '['.repeat(60_000),
  }),
  ...wrongTime({
    'a time that is a string': key('"time": "now"'),
    'a time that is null': key('"time": null'),
    'a time that is true': key('"time": true'),
    'a time that is an array': key('"time": [1]'),
    'a time that is infinite': key('"time": 1e999'),
    'a time that is infinite and negative': key('"time": -1e999'),
    'a time of many digits': key(`"time": ${'9'.repeat(400)}`),
  }),
  ...tooMuch({
    'a message many times too long': sized(LIMITS.messageBytes * 20),
    'a channel that is too long': head(`{"channel": "${'x'.repeat(LIMITS.channelLength + 1)}"}`),
    'a channel that is too deep': head(`{"channel": "${'x/'.repeat(LIMITS.channelDepth + 1)}"}`),
    'a body one level too deep': body('['.repeat(LIMITS.bodyDepth + 1) + ']'.repeat(LIMITS.bodyDepth + 1)),
    'arrays nested 100,000 deep': body('['.repeat(DEEP) + ']'.repeat(DEEP)),
    'open arrays 60,000 deep': body('['.repeat(60_000)),
    'objects nested 10,000 deep': body(`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`),
    'a head nested deep': key(`"x": ${'['.repeat(950)}${']'.repeat(950)}`),
  }),
];

/** A broker refuses these as well. */
export const REFUSED: readonly Refused[] = [
  ...UNREADABLE,
  ...malformed({
    'a subscription to a number': control('subscribe', '5'),
    'a subscription to null': control('subscribe', 'null'),
    'a subscription to nothing': '{"head": {"channel": "-control/subscribe"}}',
    'a subscription to an object': control('subscribe', '{"pattern": "**"}'),
    'a subscription to an array': control('subscribe', '["**"]'),
    'an unsubscription from a number': control('unsubscribe', '5'),
    'an unsubscription from true': control('unsubscribe', 'true'),
    'a hello of null': control('hello', 'null'),
    'a hello without features': control('hello', '{"nonce": "x"}'),
    'a hello with a wrong nonce': control('hello', '{"nonce": 5, "features": []}'),
    'a hello with a huge nonce': control('hello', `{"nonce": "${'x'.repeat(65)}", "features": []}`),
  }),
  ...wrongTime({ 'a time in the far future': key('"time": 1e12') }),
  ...tooMuch({
    'a message one byte too long': sized(LIMITS.messageBytes + 1),
    'a head that is too long': key(`"x": "${'x'.repeat(LIMITS.headBytes)}"`),
    'a subscription to a long pattern': control('subscribe', `"${'x'.repeat(LIMITS.channelLength + 1)}"`),
    'a subscription to a very long pattern': control('subscribe', `"${'x'.repeat(60_000)}"`),
    'a subscription to a deep pattern': control('subscribe', `"${'*/'.repeat(LIMITS.channelDepth + 1)}"`),
    'a subscription to a very deep pattern': control('subscribe', `"${'*/'.repeat(30_000)}"`),
    'a subscription to a pattern with many **': control('subscribe', '"**/a/**/b/**/c/**"'),
  }),
];

export interface Strange {
  readonly what: string;
  /** Without the NUL. */
  readonly text: string;
  /** What a subscriber gets, with its time as `<time>`; absent: the same text. */
  readonly arrives?: string;
}

const STAMP = ', "time": <time>';
const strange = (what: string, members: string, text = '1'): Strange => ({
  what,
  text: `{"head": {"channel": "odd"${members}}, "body": ${text}}`,
  arrives: `{"head": {"channel": "odd"${members}${STAMP}}, "body": ${text}}`,
});

/** Accepted, and passed on in a form that every peer reads. */
export const STRANGE: readonly Strange[] = [
  strange('the head key __proto__', ', "__proto__": {"polluted": true}'),
  strange('the head key constructor', ', "constructor": {"prototype": {"polluted": true}}'),
  strange('head keys that objects have', ', "toString": 1, "hasOwnProperty": null, "length": 3'),
  strange('an empty head key', ', "": ""'),
  strange('a head key that is a lone surrogate', ', "\\ud800": "\\udfff"'),
  strange('a lone surrogate in the body', '', '"\\ud800 and \\udc00\\ud800"'),
  strange('a NUL in the body, escaped', '', '"a\\u0000b"'),
  strange('a body with keys that objects have', '', '{"__proto__": {"polluted": true}, "constructor": 1}'),
  strange('repeated keys in the body', '', '{"a": 1, "a": 2}'),
  strange('a number that no double holds', '', '1e999'),
  strange('an integer of 400 digits', '', '7'.repeat(400)),
  strange('minus zero', '', '-0.0'),
  strange('a body as deep as allowed', '', `${'['.repeat(LIMITS.bodyDepth)}${']'.repeat(LIMITS.bodyDepth)}`),
  strange('persist as 0', ', "persist": 0'),
  strange('persist as null', ', "persist": null'),
  strange('persist as an empty string', ', "persist": ""'),
  {
    what: 'bounce as null, which is false',
    text: '{"head": {"bounce": null, "channel": "odd"}, "body": 1}',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": 1}`,
  },
  {
    what: 'bounce as an object, which is true',
    text: '{"head": {"channel": "odd", "bounce": {"x": 1}}, "body": 1}',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": 1}`,
  },
  {
    what: 'two channels, of which the last counts',
    text: '{"head": {"channel": "bad", "x": 1, "channel": "odd"}, "body": 1}',
    arrives: `{"head": {"channel": "odd", "x": 1${STAMP}}, "body": 1}`,
  },
  {
    what: 'two bodies, of which the last counts',
    text: '{"body": 1, "head": {"channel": "odd"}, "body": 2}',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": 2}`,
  },
  {
    what: 'two heads, of which the last counts',
    text: '{"head": {"channel": "bad"}, "body": 1, "head": {"channel": "odd"}}',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": 1}`,
  },
  {
    what: 'members that are neither head nor body',
    text: '{"x": [1], "head": {"channel": "odd"}, "y": {}, "body": 1}',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": 1}`,
  },
  {
    what: 'no body',
    text: '{"head": {"channel": "odd"}}',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": null}`,
  },
  {
    what: 'escaped member names',
    text: '{"\\u0068ead": {"\\u0063hannel": "odd"}, "bod\\u0079": 1}',
    arrives: `{"head": {"\\u0063hannel": "odd"${STAMP}}, "body": 1}`,
  },
  {
    what: 'blanks everywhere',
    text: ' {\t"body"\r\n: 1 ,"head":{ "channel"\n:"odd" } }\n',
    arrives: `{"head": {"channel": "odd"${STAMP}}, "body": 1}`,
  },
  {
    what: 'a channel with empty tokens and stars',
    text: '{"head": {"channel": "//odd/**/*//"}, "body": 1}',
    arrives: `{"head": {"channel": "odd/*/**"${STAMP}}, "body": 1}`,
  },
  {
    what: 'a channel with a lone surrogate, a NUL and a line break, all escaped',
    text: '{"head": {"channel": "odd/\\ud800\\u0000\\n/"}, "body": 1}',
    arrives: `{"head": {"channel": "odd/\\ud800\\u0000\\n"${STAMP}}, "body": 1}`,
  },
  {
    what: 'a time before the epoch, with its digits',
    text: '{"head": {"time": -1.50e+0, "channel": "odd"}, "body": 1}',
    arrives: '{"head": {"time": -1.50e+0, "channel": "odd"}, "body": 1}',
  },
];

/** A well-formed message of exactly so many bytes. */
export function sized(bytes: number, channel = 'bad'): string {
  const empty = `{"head": {"channel": "${channel}"}, "body": ""}`;
  return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
}
