// Transports and how they are found. TCP is apart (./tcp/index.js), because a browser has none.

export { formatAddress, parseAddress, withoutLogin } from './address.js';
export type { AddressParts } from './address.js';
export { BaseConnection } from './base-connection.js';
export { connectUrl, DEFAULT_PORT, listenUrl } from './endpoint.js';
export type { Endpoint, Environment, ListenEndpoint } from './endpoint.js';
export { MemoryTransport } from './memory/index.js';
export type { MemoryTransportOptions } from './memory/index.js';
export { handOver } from './opening.js';
export { plainBytes } from './plain-bytes.js';
export { TransportRegistry } from './registry.js';
