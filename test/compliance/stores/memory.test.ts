import { describe, it } from '@jest/globals';
import { MemoryStore } from '../../../src/stores/index.js';
import { storeSuite } from '../../../src/testing/store-suite.js';

storeSuite({ describe, it }, 'memory', () => ({ store: new MemoryStore() }));
