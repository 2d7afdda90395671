// WebSocket for Node. The browser's is apart (./browser/index.js).

export type { Origins } from './origins.js';
export { WebSocketTransport } from './transport.js';
export type { WebSocketTransportOptions } from './transport.js';
