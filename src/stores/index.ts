// Where persistent messages are kept.

export { MemoryStore } from './memory/memory-store.js';
