import { describe, it } from '@jest/globals';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { TlsTransport } from '../../../src/transports/tcp/index.js';
import { tlsFile } from '../../support/tls-files.js';

transportSuite({ describe, it }, 'TLS', () => ({
  transport: new TlsTransport({ cert: tlsFile('server'), key: tlsFile('server-key'), ca: tlsFile('ca') }),
  newUrl: () => 'tls://127.0.0.1:0',
}));
