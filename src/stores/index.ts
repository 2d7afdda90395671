// Where persistent messages are kept.

export { LmdbStore } from './lmdb/index.js';
export { MemoryStore } from './memory/memory-store.js';
export { storeAt } from './store-url.js';
