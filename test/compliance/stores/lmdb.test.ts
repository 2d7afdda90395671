import { describe, it } from '@jest/globals';
import { LmdbStore } from '../../../src/stores/index.js';
import { storeSuite } from '../../../src/testing/store-suite.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';

storeSuite({ describe, it }, 'LMDB', async () => {
  const folder = await TemporaryFolder.make();
  return {
    store: new LmdbStore(folder.path),
    reopen: () => new LmdbStore(folder.path),
    close: async () => folder[Symbol.asyncDispose](),
  };
});
