// The program of the main thread: the broker, and a client that listens to the worker, calls it and stops it.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Broker, Client, createContainer, TOKENS } from 'spoke';
import { WorkerTransport } from './worker-transport.js';

const transport = new WorkerTransport();
const container = createContainer({ listen: 'worker://broker', url: 'worker://broker' });
container.bind(TOKENS.Transport).toConstantValue(transport);
await container.getAsync(Broker);
const client = await container.getAsync(Client);

const door = transport.door();
const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { door }, transferList: [door] });

for await (const { channel, body } of client.messages('sensors/*/temp')) {
  console.log(`${channel}: ${String(body)}`);
  break;
}
console.log(`12 squared is ${await client.call<number>('math/square', 12)}`);
await client.publish('sensors/stop');
await once(worker, 'exit');
await container.unbindAllAsync();
