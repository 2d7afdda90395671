import { describe, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { BrowserWebSocketTransport } from '../../../src/transports/websocket/browser/index.js';
import { WebSocketTransport } from '../../../src/transports/websocket/index.js';

const newUrl = () => 'ws://127.0.0.1:0';

transportSuite({ describe, it }, 'WebSocket', () => ({ transport: new WebSocketTransport(), newUrl }));

// The package ws has the interface of browsers as well; a real browser is asked in test/e2e.
const impossible = 'abort drops what is queued and reports its error';
const possible = (name: string, run: () => Promise<void>) => (name === impossible ? it.skip(name, run) : it(name, run));

transportSuite({ describe, it: possible }, "WebSocket by a browser's interface", () => ({
  transport: new WebSocketTransport(),
  connecting: new BrowserWebSocketTransport({ WebSocket }),
  newUrl,
}));
