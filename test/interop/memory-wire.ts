import type { MemoryTransport } from 'spoke';
import { DEFAULT_LIMITS, parseAddress, SpokeError } from 'spoke';
import type { Wire } from '../support/independent-peer/index.js';

/** A raw connection inside the process, so that a test plays the same bytes over both. */
export async function memoryWire(transport: MemoryTransport, url: string): Promise<Wire> {
  const connection = await transport.connect(parseAddress(url), { limits: DEFAULT_LIMITS });
  return {
    write: (bytes) => void connection.send(Uint8Array.from(bytes)),
    start(handlers) {
      connection.start({ data: (chunk) => handlers.data(chunk), drain() {}, close: () => handlers.end() });
    },
    end: () => connection.close(),
    reset: () => connection.abort(new SpokeError('CONNECTION_LOST', 'broken off by the test')),
  };
}
