// The network inside one process.

export { MemoryTransport } from './transport.js';
export type { MemoryTransportOptions } from './transport.js';
