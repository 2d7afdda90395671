// The codecs of pages, where there is no Buffer.

import { afterAll, describe, it } from '@jest/globals';
import { clientCodecSuite } from '../../../src/testing/codec-suite.js';
import { jsonOptions } from './json-options.js';
import { msgpackOptions } from './msgpack-options.js';

const { Buffer } = globalThis;
Reflect.deleteProperty(globalThis, 'Buffer');
const { JsonCodec, MsgpackCodec } = await import('../../../src/codecs/small/index.js');

afterAll(() => {
  globalThis.Buffer = Buffer;
});

clientCodecSuite({ describe, it }, 'small JSON', () => new JsonCodec(), jsonOptions);
clientCodecSuite({ describe, it }, 'small msgpack', () => new MsgpackCodec(), msgpackOptions);
