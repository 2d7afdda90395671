// Needs Debian's nats-server, which `.ci/run` installs.

import { describe, it } from '@jest/globals';

import { NatsBackplane } from '../../../src/backplanes/nats/index.js';
import { backplaneSuite } from '../../../src/testing/backplane-suite.js';
import { NatsServer } from '../../support/nats-server.js';

const makeSetup = async () => {
  const server = await NatsServer.start();
  return {
    make: () => new NatsBackplane({ servers: server.url, history: [{ pattern: 'h/**', maxMessages: 10_000 }] }),
    stop: () => server.kill(),
    start: () => server.again(),
    close: () => server.remove(),
  };
};

backplaneSuite({ describe, it }, 'NATS', makeSetup, { history: true });
