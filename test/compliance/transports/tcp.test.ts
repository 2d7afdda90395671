import { describe, it } from '@jest/globals';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { TcpTransport } from '../../../src/transports/tcp/index.js';

transportSuite({ describe, it }, 'TCP', () => ({ transport: new TcpTransport(), newUrl: () => 'tcp://127.0.0.1:0' }));
