// Truly synchronous calls for scripts. The connection lives in a worker; this thread sleeps until it is done.

import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

import { SpokeError, withCode } from '../contracts/index.js';
import { RpcError } from '../rpc/index.js';
import type { SyncAnswer, SyncCallOptions, SyncPublishOptions, SyncRequest } from './sync-messages.js';

// A worker that is not there in this time will not come: this thread, asleep, cannot hear why.
const START_TIMEOUT = 10_000;

class SyncWorker {
  #running: { readonly port: MessagePort; readonly cell: Int32Array } | undefined;

  run(request: SyncRequest): unknown {
    const { port, cell } = (this.#running ??= this.#start());
    // The cells that both threads see: the first is 0 while the worker is busy, the second until it runs.
    Atomics.store(cell, 0, 0);
    try {
      port.postMessage(request);
    } catch (error) {
      const text = `${request.channel}: the body cannot cross to the worker: ${error instanceof Error ? error.message : String(error)}`;
      throw new SpokeError('NOT_ENCODABLE', text, { cause: error, details: { channel: request.channel } });
    }
    Atomics.wait(cell, 0, 0);
    const received: { readonly message: SyncAnswer } | undefined = receiveMessageOnPort(port);
    if (received === undefined)
      throw new SpokeError('CONNECTION_LOST', 'the worker of the synchronous functions ended');
    const { message: answer } = received;
    if ('value' in answer) return answer.value;
    const { name, code, message, details, data } = answer.failure;
    if (name === 'TypeError') throw new TypeError(message);
    if ('data' in answer.failure) throw new RpcError(code, message, data, { details });
    throw withCode(code, message, { details });
  }

  #start() {
    const { port1, port2 } = new MessageChannel();
    const cell = new Int32Array(new SharedArrayBuffer(8));
    const thread = new Worker(new URL('./sync-worker.js', import.meta.url), {
      workerData: { port: port2, cell },
      transferList: [port2],
      name: 'spoke-sync',
      // Those of the program may not suit a file: `--input-type`, for one, would keep it from starting.
      execArgv: [],
    });
    // The next call starts another one. Whoever waited has been told already.
    thread.on('exit', () => (this.#running = undefined));
    thread.on('error', () => {});
    // Between calls the worker must not keep the program alive.
    thread.unref();
    port1.unref();
    if (Atomics.wait(cell, 1, 0, START_TIMEOUT) === 'timed-out') {
      void thread.terminate();
      const text = `the worker of the synchronous functions did not start within ${START_TIMEOUT} ms; is sync-worker.js missing beside the library?`;
      throw new SpokeError('CONNECTION_LOST', text);
    }
    return { port: port1, cell };
  }
}

// One worker for all calls of a program: starting it costs 40 ms, a call on a warm one a tenth of a millisecond.
const worker = new SyncWorker();

/**
 * Publishes one message and returns when the broker has handled it. The thread stands still meanwhile: for scripts,
 * never for servers. The worker keeps its connection for the next call to the same broker.
 * @param body - a value in the domain of the codec that also crosses a thread (no functions).
 * @throws as `publish`.
 */
export function publishSync(channel: string, body?: unknown, options: SyncPublishOptions = {}): void {
  worker.run({ action: 'publish', channel, body, options });
}

/**
 * Calls a procedure and returns its result. The thread stands still meanwhile, so the provider must be in another one.
 * @typeParam R - what the provider returns; not checked.
 * @throws as `call`.
 */
export function callSync<R = unknown>(name: string, argument?: unknown, options: SyncCallOptions = {}): R {
  return worker.run({ action: 'call', channel: name, body: argument, options }) as R;
}
