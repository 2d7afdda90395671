import { describe, it } from '@jest/globals';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { WebSocketTransport } from '../../../src/transports/websocket/index.js';
import { tlsFile } from '../../support/tls-files.js';

const tls = { cert: tlsFile('server'), key: tlsFile('server-key'), ca: tlsFile('ca') };

transportSuite({ describe, it }, 'WebSocket over TLS', () => ({
  transport: new WebSocketTransport({ tls }),
  newUrl: () => 'wss://127.0.0.1:0',
}));
