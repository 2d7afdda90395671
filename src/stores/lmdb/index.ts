// Messages that outlive the process.

export { LmdbStore } from './lmdb-store.js';
