// The program of the worker thread: a thermometer, and a procedure that others call.

import { Client } from 'spoke';
import { MessagePort, workerData } from 'node:worker_threads';
import { WorkerTransport } from './worker-transport.js';

const { door }: { door?: unknown } = workerData;
if (!(door instanceof MessagePort)) throw new TypeError('workerData.door must be made by WorkerTransport.door()');

const client = new Client({ url: 'worker://broker', transports: [new WorkerTransport(door)] });
await client.connect();
await client.provide('math/square', (x: number) => x * x);
await client.subscribe('sensors/stop', () => client.close());
await client.publish('sensors/kitchen/temp', 21.5, { persist: true });
