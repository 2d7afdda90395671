// One measurement: how much was done, in what time, and what it cost the server.

import { performance } from 'node:perf_hooks';
import { processorSeconds } from './processor-time.js';

export interface Measured {
  readonly messages: number;
  readonly seconds: number;
  /** Processor time of the server, user and system. */
  readonly serverSeconds: number;
  /** The same of this process, with all its drivers. */
  readonly clientSeconds: number;
}

/** @param work - resolves with the number of messages. */
export async function measured(pid: number, work: () => Promise<number>): Promise<Measured> {
  const since = performance.now();
  const before = processorSeconds(pid);
  const own = process.cpuUsage();
  const messages = await work();
  const seconds = (performance.now() - since) / 1000;
  const { user, system } = process.cpuUsage(own);
  return {
    messages,
    seconds,
    serverSeconds: processorSeconds(pid) - before,
    clientSeconds: (user + system) / 1e6,
  };
}
