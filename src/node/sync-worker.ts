// The other half of sync.ts: runs in a worker, holds the connections, answers one request at a time.

import { MessagePort, workerData } from 'node:worker_threads';

import { waitFor } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import { RpcError } from '../rpc/index.js';
import { systemClock } from '../link/index.js';
import { Client } from './client.js';
import { publishHandled } from './publish-handled.js';
import type { SyncAnswer, SyncConnection, SyncFailure, SyncRequest } from './sync-messages.js';

// Brokers to which a connection is kept open; a script that talks to more opens them again.
const MAX_CONNECTIONS = 8;

const clients = new Map<string, Client>();

async function clientFor({ url, host, port, codec, auth }: SyncConnection): Promise<Client> {
  const key = JSON.stringify([url, host, port, codec, auth]);
  const known = clients.get(key);
  if (known !== undefined && known.state !== 'closed') return known;
  for (const [oldest, client] of clients) {
    if (clients.size < MAX_CONNECTIONS) break;
    clients.delete(oldest);
    await client.close();
  }
  const client = new Client({
    ...(url !== undefined && { url }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(codec !== undefined && { codec }),
    ...(auth !== undefined && { auth }),
  });
  clients.set(key, client);
  return client;
}

async function perform(request: SyncRequest, signal: AbortSignal): Promise<unknown> {
  const client = await clientFor(request.options);
  // Not `connect({ signal })`, which would close the client; the next call may find the broker.
  await waitFor(client.connect(), { signal }, systemClock, () => `no connection to ${client.url}`);
  if (request.action === 'call') {
    return client.call(request.channel, request.body, { timeout: Infinity, signal });
  }
  const { persist, time } = request.options;
  const options = { ...(persist !== undefined && { persist }), ...(time !== undefined && { time }), signal };
  await publishHandled(client, request.channel, request.body, options, { signal });
  return undefined;
}

async function answer(request: SyncRequest): Promise<SyncAnswer> {
  const { timeout = request.action === 'call' ? 30_000 : Infinity } = request.options;
  const abort = new AbortController();
  const cancel = timeout === Infinity ? undefined : systemClock.setTimer(timeout, () => abort.abort());
  try {
    return { value: await perform(request, abort.signal) };
  } catch (error) {
    if (!abort.signal.aborted) return { failure: failureOf(error) };
    const text = `${request.action} ${request.channel}: not done within ${timeout} ms`;
    return { failure: failureOf(new SpokeError('TIMEOUT', text, { retryable: true })) };
  } finally {
    cancel?.();
  }
}

function failureOf(error: unknown): SyncFailure {
  if (error instanceof SpokeError) {
    const { name, code, message, details } = error;
    const data = error instanceof RpcError ? { data: error.data } : {};
    return { name, code, message, details, ...data };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, code: 'REMOTE', message, details: {} };
}

function serve(port: MessagePort, cell: Int32Array): void {
  // Whoever waits for a worker that ends must wake up, and finds no answer.
  process.once('exit', () => {
    Atomics.store(cell, 0, 1);
    Atomics.notify(cell, 0);
  });
  port.on('message', (request: SyncRequest) => {
    void answer(request).then((reply) => {
      port.postMessage(reply);
      Atomics.store(cell, 0, 1);
      Atomics.notify(cell, 0);
    });
  });
  Atomics.store(cell, 1, 1);
  Atomics.notify(cell, 1);
}

const given: unknown = workerData;
if (typeof given === 'object' && given !== null && 'port' in given && 'cell' in given) {
  if (given.port instanceof MessagePort && given.cell instanceof Int32Array) serve(given.port, given.cell);
}
