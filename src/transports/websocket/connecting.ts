// The connecting side: TCP or TLS first, by our own hands, so that what fails there has the same errors as with tcp:// and
// tls://; WebSocket then.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { WebSocket } from 'ws';
import type { Address, Limits } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { abortedError } from '../opening.js';
import { connectFailed, connectTimedOut, systemCode, systemError, textOf } from '../tcp/errors.js';
import type { HostAndPort } from '../tcp/host-port.js';
import { SOCKET_OPTIONS } from '../tcp/host-port.js';
import { untilOpen } from '../tcp/opening.js';
import { secure } from '../tls/connect.js';
import type { TlsConnecting } from '../tls/connect.js';
import { NORMAL } from './closing.js';
import { WebSocketConnection } from './connection.js';
import { messageLimit, WS_OPTIONS } from './limits.js';

export interface Connecting {
  readonly address: Address;
  readonly target: HostAndPort;
  /** What is asked for: `/path?name=value`. */
  readonly path: string;
  readonly params: ReadonlyMap<string, string>;
  readonly tls: TlsConnecting | undefined;
  readonly limits: Limits;
  readonly signal: AbortSignal | undefined;
  readonly closeTimeout: number;
}

const MAX_EXCERPT = 200;

export async function connectWebSocket(connecting: Connecting): Promise<WebSocketConnection> {
  const { address, target, path, params, tls, limits, signal, closeTimeout } = connecting;
  const { connectTimeout } = limits;
  const deadline = performance.now() + connectTimeout;
  const raw = connectSocket({ ...SOCKET_OPTIONS, ...target });
  await untilOpen(raw, {
    address,
    signal,
    event: 'connect',
    timeout: connectTimeout,
    failed: (cause) => connectFailed(address, cause),
    timedOut: () => connectTimedOut(address, connectTimeout),
  });
  const timeLeft = () => deadline - performance.now();
  const socket: Socket =
    tls === undefined
      ? raw
      : await secure(raw, { ...tls, address, host: target.host, signal, timeout: timeLeft(), connectTimeout });
  const { scheme } = address;
  const url = formatAddress({ scheme, ...target, path: path || '/', params });
  const webSocket = new WebSocket(url, {
    ...WS_OPTIONS,
    maxPayload: messageLimit(limits),
    createConnection: () => socket,
  });
  await untilUpgraded(webSocket, connecting, timeLeft());
  const peer = { address: formatAddress({ scheme, ...target, path }) };
  return new WebSocketConnection({ webSocket, socket, peer, closeCode: NORMAL, closeTimeout });
}

/** Waits until it is open; it is paused then. When it fails, nothing is left of it. */
function untilUpgraded(webSocket: WebSocket, connecting: Connecting, timeout: number): Promise<void> {
  const { address, signal, limits } = connecting;
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      webSocket.removeListener('open', onOpen);
      webSocket.removeListener('error', onError);
    };
    const fail = (error: SpokeError) => {
      settle();
      // Terminating a WebSocket that is not open is an error to ws.
      webSocket.on('error', () => {});
      webSocket.terminate();
      reject(error);
    };
    const onOpen = () => {
      settle();
      webSocket.pause();
      resolve();
    };
    const onError = (error: Error) => fail(upgradeFailed(address, error));
    const onAbort = () => {
      if (signal !== undefined) fail(abortedError(address, signal));
    };
    const timer = setTimeout(() => fail(connectTimedOut(address, limits.connectTimeout)), Math.max(timeout, 1));
    signal?.addEventListener('abort', onAbort);
    webSocket.on('open', onOpen);
    webSocket.on('error', onError);
    webSocket.on('unexpected-response', (_, response) => {
      excerptOf(response, (excerpt) => fail(refused(address, response.statusCode ?? 0, excerpt)));
    });
    if (signal?.aborted) onAbort();
  });
}

/** The beginning of the text that came instead of a WebSocket. */
function excerptOf(response: IncomingMessage, then: (excerpt: string) => void): void {
  let text = '';
  let told = false;
  const tell = () => {
    if (told) return;
    told = true;
    then(
      text
        .slice(0, MAX_EXCERPT)
        .replace(/\p{Cc}+/gu, ' ')
        .trim(),
    );
  };
  const isText = response.headers['content-type']?.startsWith('text/plain') ?? false;
  response.on('data', (chunk: Buffer) => {
    if (isText) text += chunk.toString();
    if (!isText || text.length > MAX_EXCERPT) tell();
  });
  response.on('end', tell);
  response.on('close', tell);
  response.on('error', tell);
}

function refused(address: Address, status: number, excerpt: string): SpokeError {
  const why = `cannot connect: the server answered ${status} instead of opening a WebSocket${excerpt && `: ${excerpt}`}`;
  return new SpokeError('CONNECT_FAILED', `${address.href}: ${why}`, {
    // A server in trouble may recover; one that means it will not.
    retryable: status >= 500 || status === 408 || status === 429,
    details: { address: address.href, status },
  });
}

function upgradeFailed(address: Address, cause: unknown): SpokeError {
  const code = systemCode(cause) ?? '';
  if (code.startsWith('HPE_')) {
    const why =
      'cannot connect: the server does not speak WebSocket on this port; another port, or tcp:// instead of ws://?';
    return systemError('CONNECT_FAILED', address.href, why, cause, false);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const why =
      'cannot connect: the server ended the connection before the WebSocket was open; does it speak WebSocket on this port?';
    return systemError('CONNECT_FAILED', address.href, why, cause, true);
  }
  return systemError('CONNECT_FAILED', address.href, `cannot connect: ${textOf(cause)}`, cause, true);
}
