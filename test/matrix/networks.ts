// The networks that everything has to work on alike: each transport with each codec. A new one is one line here.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';

import { JsonCodec, MsgpackCodec } from '../../src/codecs/index.js';
import type { Codec, Transport } from '../../src/contracts/index.js';
import { MemoryTransport } from '../../src/transports/index.js';
import { TcpTransport, TlsTransport } from '../../src/transports/tcp/index.js';
import { UnixTransport } from '../../src/transports/unix/index.js';
import { WebSocketTransport } from '../../src/transports/websocket/index.js';
import { Stage } from '../support/stage.js';
import { tlsFile } from '../support/tls-files.js';

interface Network {
  readonly scheme: string;
  readonly transport: () => Transport;
  /** Where a broker listens, given an empty folder; a port 0 becomes a real one. */
  readonly listen: (folder: string) => string;
}

const TLS = { cert: tlsFile('server'), key: tlsFile('server-key'), ca: tlsFile('ca') };

const NETWORKS: readonly Network[] = [
  { scheme: 'memory', transport: () => new MemoryTransport(), listen: () => 'memory://broker' },
  { scheme: 'tcp', transport: () => new TcpTransport(), listen: () => 'tcp://127.0.0.1:0' },
  { scheme: 'tls', transport: () => new TlsTransport(TLS), listen: () => 'tls://127.0.0.1:0' },
  { scheme: 'unix', transport: () => new UnixTransport(), listen: (folder) => `unix://${folder}/broker.sock` },
  { scheme: 'ws', transport: () => new WebSocketTransport(), listen: () => 'ws://127.0.0.1:0' },
  { scheme: 'wss', transport: () => new WebSocketTransport({ tls: TLS }), listen: () => 'wss://127.0.0.1:0' },
];

const CODECS: readonly (() => Codec)[] = [() => new JsonCodec(), () => new MsgpackCodec()];

const ALL = NETWORKS.flatMap((network) =>
  CODECS.map((codec) => ({ name: `${network.scheme} with ${codec().name}`, network, codec })),
);

/**
 * Runs the same tests over each network.
 * @param tests - declares them; the function it gets returns the stage of the test that runs.
 */
export function onEveryNetwork(tests: (stage: () => Stage) => void): void {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spoke-matrix-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  describe.each(ALL)('over $name:', ({ network, codec }) => {
    let stage: Stage;
    beforeEach(() => {
      stage = new Stage({ transport: network.transport(), listen: network.listen(folder), codec });
    });
    afterEach(async () => stage.close());
    tests(() => stage);
  });
}
