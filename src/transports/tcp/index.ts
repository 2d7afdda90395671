// TCP, for Node only.

export { TcpTransport } from './transport.js';
export type { TcpTransportOptions } from './transport.js';
