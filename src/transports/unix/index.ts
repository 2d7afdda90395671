// Unix sockets, for Node only.

export { UnixTransport } from './transport.js';
export type { UnixTransportOptions } from './transport.js';
