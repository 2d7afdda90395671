// TCP, plain and with TLS, for Node only.

export { TcpTransport } from './transport.js';
export type { TcpTransportOptions } from './transport.js';
export { TlsTransport } from './tls-transport.js';
export type { TlsTransportOptions } from './tls-transport.js';
