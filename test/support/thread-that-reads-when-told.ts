// The program of a thread: reads a connection only after a message from its parent, and reports in the end how many
// bytes came. For test/compliance/transports/worker.test.ts.

import { MessagePort, parentPort, workerData } from 'node:worker_threads';
import { DEFAULT_LIMITS, parseAddress } from 'spoke';
import { WorkerTransport } from '../../docs/examples/worker-transport/worker-transport.js';

const { door }: { door?: unknown } = workerData;
if (!(door instanceof MessagePort)) throw new TypeError('no door');

const transport = new WorkerTransport(door);
const connection = await transport.connect(parseAddress('worker://writer'), { limits: DEFAULT_LIMITS });
let total = 0;
connection.pause();
connection.start({
  data: (chunk) => void (total += chunk.length),
  drain() {},
  close: ({ by }) => parentPort?.postMessage({ total, by }),
});
parentPort?.once('message', () => connection.resume());
