// WebSocket as browsers have it; also for other hosts with a global WebSocket. No module of Node is reached from here.

export type { BrowserSocket, BrowserSocketClass, BrowserSocketEvents } from './socket.js';
export { BrowserWebSocketTransport } from './transport.js';
export type { BrowserWebSocketTransportOptions } from './transport.js';
