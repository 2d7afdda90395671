import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import { transportSuite } from '../../../src/testing/transport-suite.js';
import { UnixTransport } from '../../../src/transports/unix/index.js';

transportSuite({ describe, it }, 'Unix', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoke-'));
  let sockets = 0;
  return {
    transport: new UnixTransport(),
    newUrl: () => `unix://${directory}/${++sockets}.sock`,
    close: () => rmSync(directory, { recursive: true }),
  };
});
