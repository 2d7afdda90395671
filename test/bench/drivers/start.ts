// Starts tasks in worker threads of this process, and ends the threads.

import type { TransferListItem } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';
import type { Task } from './worker.js';

/** The threads of one run. */
export class Drivers {
  readonly #workers: Worker[] = [];

  /**
   * @typeParam R - what a task of this kind results in.
   * @returns the result; rejects with what the task threw.
   */
  async start<R>(task: Task, transferList: TransferListItem[] = []): Promise<R> {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: task, transferList });
    this.#workers.push(worker);
    return new Promise((resolve, reject) => {
      worker.once('message', (message: R) => resolve(message));
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error(`the ${task.kind} ended without a result`)));
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
