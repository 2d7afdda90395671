// worker://NAME: connections between the threads of one process.

import { handOver, SpokeError } from 'spoke';
import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Transport } from 'spoke';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { PortConnection } from './port-connection.js';

/** What comes through a door: who is wanted, and the other end of the connection. */
interface Request {
  readonly name: string;
  readonly port: MessagePort;
}

/** The first message on that port; what follows is the connection's. */
type Answer = 'accepted' | 'nobody';

interface Endpoint {
  readonly onConnection: (connection: Connection) => void;
  readonly onError: ListenOptions['onError'];
  accepted: number;
}

const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Threads see each other through doors. The thread that listens makes one for each worker, `transport.door()`, and
 * passes it in the worker's `workerData`; the worker says `new WorkerTransport(door)` and connects.
 */
export class WorkerTransport implements Transport {
  readonly schemes: readonly string[] = ['worker'];
  readonly #door: MessagePort | undefined;
  readonly #endpoints = new Map<string, Endpoint>();

  /** @param door - made by the transport of the thread to connect to. Without one, `connect` finds its own endpoints. */
  constructor(door?: MessagePort) {
    this.#door = door;
  }

  /** A port for one other thread, through which it finds the endpoints of this one. It is closed when that thread ends. */
  door(): MessagePort {
    const { port1: inside, port2: outside } = new MessageChannel();
    inside.on('message', (request: Request) => this.#answer(request));
    // A door alone does not keep the program running.
    inside.unref();
    return outside;
  }

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    const { signal, limits } = options;
    const name = nameOf(address);
    requireNotAborted(address, signal);
    const { port1: port, port2 } = new MessageChannel();
    const request: Request = { name, port: port2 };
    if (this.#door !== undefined) this.#door.postMessage(request, [port2]);
    else setImmediate(() => this.#answer(request));

    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        port.off('message', onAnswer);
        port.off('close', onClose);
      };
      const fail = (error: SpokeError) => {
        settle();
        port.close();
        reject(error);
      };
      const onAnswer = (answer: Answer) => {
        if (answer === 'nobody') return fail(connectFailed(address, 'nobody listens there'));
        settle();
        // Within this call: the next message on the port is the connection's.
        resolve(new PortConnection(port, address.href));
      };
      const onClose = () => fail(connectFailed(address, 'the thread behind the door is gone'));
      const onAbort = () => fail(aborted(address, signal));
      const late = () =>
        fail(connectFailed(address, `no answer within ${limits.connectTimeout} ms; is that thread busy?`));
      const timer = setTimeout(late, Math.min(limits.connectTimeout, LONGEST_TIMER));
      signal?.addEventListener('abort', onAbort);
      port.on('message', onAnswer);
      port.on('close', onClose);
    });
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    const { signal, onError } = options;
    const name = nameOf(address);
    requireNotAborted(address, signal);
    if (this.#endpoints.has(name)) {
      throw new SpokeError('ADDRESS_IN_USE', `${address.href}: this thread listens there already`, {
        retryable: true,
        details: { address: address.href },
      });
    }
    const endpoint: Endpoint = { onConnection, onError, accepted: 0 };
    const close = async () => {
      // The name may belong to a later listener by now.
      if (this.#endpoints.get(name) === endpoint) this.#endpoints.delete(name);
    };
    this.#endpoints.set(name, endpoint);
    // Whoever aborts in the same turn still gets what was asked for: nothing opened.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) await close();
    requireNotAborted(address, signal);
    return { address: `worker://${name}`, close };
  }

  #answer({ name, port }: Request): void {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) {
      port.postMessage('nobody' satisfies Answer);
      port.close();
      return;
    }
    port.postMessage('accepted' satisfies Answer);
    const connection = new PortConnection(port, `worker://${name}#${++endpoint.accepted}`);
    handOver(connection, endpoint.onConnection, endpoint.onError);
  }
}

function nameOf({ href, host, port, path, params }: Address): string {
  if (!/^[\w.-]+$/.test(host) || port !== undefined || path !== '' || params.size > 0) {
    throw new SpokeError(
      'ADDRESS_INVALID',
      `${href}: a worker address is a name and nothing else, as in worker://broker`,
    );
  }
  return host;
}

function connectFailed(address: Address, why: string): SpokeError {
  return new SpokeError('CONNECT_FAILED', `${address.href}: cannot connect: ${why}`, {
    retryable: true,
    details: { address: address.href },
  });
}

function aborted(address: Address, signal: AbortSignal | undefined): SpokeError {
  return new SpokeError('ABORTED', `${address.href}: aborted before it was open`, { cause: signal?.reason });
}

function requireNotAborted(address: Address, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(address, signal);
}
