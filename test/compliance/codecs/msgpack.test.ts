import { describe, it } from '@jest/globals';
import { MsgpackCodec } from '../../../src/codecs/msgpack/index.js';
import { codecSuite } from '../../../src/testing/codec-suite.js';
import { msgpackOptions } from './msgpack-options.js';

codecSuite({ describe, it }, 'msgpack', () => new MsgpackCodec(), msgpackOptions);
