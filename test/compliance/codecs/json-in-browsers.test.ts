// The same codec where there is no Buffer.

import { afterAll, describe, it } from '@jest/globals';

import { codecSuite } from '../../../src/testing/codec-suite.js';
import { jsonOptions } from './json-options.js';

const { Buffer } = globalThis;
Reflect.deleteProperty(globalThis, 'Buffer');
const { JsonCodec } = await import('../../../src/codecs/index.js');

afterAll(() => {
  globalThis.Buffer = Buffer;
});

codecSuite({ describe, it }, 'JSON without Buffer', () => new JsonCodec(), jsonOptions);
