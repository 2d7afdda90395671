import { describe, it } from '@jest/globals';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { TcpTransport } from '../../../src/transports/tcp/index.js';
import { EventTcpTransport } from './event-tcp.js';

const newUrl = () => 'tcp://127.0.0.1:0';

transportSuite({ describe, it }, 'TCP', () => ({ transport: new TcpTransport(), newUrl }));
transportSuite({ describe, it }, "TCP by 'data' events", () => ({ transport: new EventTcpTransport(), newUrl }));
