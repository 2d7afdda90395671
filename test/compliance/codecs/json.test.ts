import { describe, it } from '@jest/globals';

import { JsonCodec } from '../../../src/codecs/index.js';
import { codecSuite } from '../../../src/testing/codec-suite.js';
import { jsonOptions } from './json-options.js';

codecSuite({ describe, it }, 'JSON', () => new JsonCodec(), jsonOptions);
