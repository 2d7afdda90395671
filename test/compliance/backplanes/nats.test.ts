// Needs Debian's nats-server, which `.ci/run` installs.

import { describe, it } from '@jest/globals';

import { NatsBackplane } from '../../../src/backplanes/nats/index.js';
import { backplaneSuite } from '../../../src/testing/backplane-suite.js';
import { NatsServer } from '../../support/nats-server.js';

backplaneSuite({ describe, it }, 'NATS', async () => {
  const server = await NatsServer.start();
  return {
    make: () => new NatsBackplane({ servers: server.url }),
    stop: () => server.kill(),
    start: () => server.again(),
    close: () => server.remove(),
  };
});
