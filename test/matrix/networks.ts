// The networks that everything has to work on alike. A new transport or codec is one line here.

import { afterEach, beforeEach, describe } from '@jest/globals';

import { JsonCodec, MsgpackCodec } from '../../src/codecs/index.js';
import type { Codec, Transport } from '../../src/contracts/index.js';
import { MemoryTransport } from '../../src/transports/index.js';
import { TcpTransport } from '../../src/transports/tcp/index.js';
import { Stage } from '../support/stage.js';

interface Network {
  readonly name: string;
  readonly transport: () => Transport;
  /** Where a broker listens; a port 0 becomes a real one. */
  readonly listen: string;
  /** What clients speak. */
  readonly codec: () => Codec;
}

const json = () => new JsonCodec();
const msgpack = () => new MsgpackCodec();

const NETWORKS: readonly Network[] = [
  { name: 'memory, json', transport: () => new MemoryTransport(), listen: 'memory://broker', codec: json },
  { name: 'memory, msgpack', transport: () => new MemoryTransport(), listen: 'memory://broker', codec: msgpack },
  { name: 'tcp, json', transport: () => new TcpTransport(), listen: 'tcp://127.0.0.1:0', codec: json },
  { name: 'tcp, msgpack', transport: () => new TcpTransport(), listen: 'tcp://127.0.0.1:0', codec: msgpack },
];

/**
 * Runs the same tests over each network.
 * @param tests - declares them; the function it gets returns the stage of the test that runs.
 */
export function onEveryNetwork(tests: (stage: () => Stage) => void): void {
  describe.each(NETWORKS)('over $name:', ({ transport, listen, codec }) => {
    let stage: Stage;
    beforeEach(() => {
      stage = new Stage({ transport: transport(), listen, codec });
    });
    afterEach(async () => stage.close());
    tests(() => stage);
  });
}
