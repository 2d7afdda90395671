// All transports that work between processes, for Node.

import type { Transport } from '../contracts/index.js';
import { TcpTransport, TlsTransport } from './tcp/index.js';
import { UnixTransport } from './unix/index.js';
import { WebSocketTransport } from './websocket/index.js';

/** New instances: `tcp://`, `tls://`, `unix://`, `ws://` and `wss://`. */
export function nodeTransports(): Transport[] {
  return [new TcpTransport(), new TlsTransport(), new UnixTransport(), new WebSocketTransport()];
}
