// A thread of the command, as seen from both of its ends: one order at a time, and an answer to each.

import { realpathSync } from 'node:fs';
import type { TransferListItem } from 'node:worker_threads';
import { parentPort, Worker, workerData } from 'node:worker_threads';

import type { Failure } from '../failure.js';
import { failureOf, ReportedError } from '../failure.js';
import type { Answer, Order, Role, Task } from './messages.js';

type Reply = { readonly answer: Answer } | { readonly failure: Failure };

const READY: Answer = { messages: 0, seconds: 0 };

/** The main thread's end. */
export class Thread {
  readonly #worker: Worker;
  /** Rejects when the thread fails. */
  readonly failed: Promise<never>;
  #answered: (answer: Answer) => void = () => {};

  private constructor(task: Task, transfer: readonly TransferListItem[]) {
    // This same file: there is one for each command.
    this.#worker = new Worker(realpathSync(process.argv[1] ?? ''), { workerData: task, transferList: [...transfer] });
    this.failed = new Promise((_, reject) => {
      this.#worker.on('error', reject);
      this.#worker.on('exit', () => reject(new Error(`the thread of the ${task.role} ended`)));
      this.#worker.on('message', (reply: Reply) => {
        if ('failure' in reply) reject(new ReportedError(reply.failure));
        else this.#answered(reply.answer);
      });
    });
    this.failed.catch(() => {});
  }

  /** Resolves when it is connected. */
  static async start(task: Task, transfer: readonly TransferListItem[] = []): Promise<Thread> {
    const thread = new Thread(task, transfer);
    await thread.#next();
    return thread;
  }

  async do(order: Order): Promise<Answer> {
    const answer = this.#next();
    this.#worker.postMessage(order);
    return answer;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #next(): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => (this.#answered = resolve));
    return Promise.race([answer, this.failed]);
  }
}

/** The thread's own end. */
export async function serveThread(begin: (task: Task, fail: (error: unknown) => void) => Promise<Role>): Promise<void> {
  // What `Thread` was given.
  const task = workerData as Task;
  const reply = (message: Reply) => parentPort?.postMessage(message);
  const fail = (error: unknown) => reply({ failure: failureOf(error) });
  try {
    const role = await begin(task, fail);
    parentPort?.on('message', (order: Order) => {
      role(order).then((answer) => reply({ answer }), fail);
    });
    reply({ answer: READY });
  } catch (error) {
    fail(error);
  }
}
