// The listening side: an HTTP server that does nothing but become WebSocket, plain or with TLS.

import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { createServer as createHttpServer, STATUS_CODES } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { Server } from 'node:net';
import { createServer, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Connection, Limits, ListenOptions, PeerInfo, SpokeErrorCode } from '../../contracts/index.js';
import { SpokeError } from '../../contracts/index.js';
import { formatAddress } from '../address.js';
import { handOver, report } from '../opening.js';
import { Doorstep } from '../tcp/doorstep.js';
import { acceptFailed } from '../tcp/errors.js';
import type { HostAndPort } from '../tcp/host-port.js';
import { boundTo, remoteAddress, SOCKET_OPTIONS } from '../tcp/host-port.js';
import { isHandshake, NO_COMMON_VERSION } from '../tcp/mismatch.js';
import { stopListening } from '../tcp/opening.js';
import type { NodeTlsOptions } from '../tls/accept.js';
import { tlsGate } from '../tls/accept.js';
import { securePeer } from '../tls/certificate.js';
import { GOING_AWAY } from './closing.js';
import { WebSocketConnection } from './connection.js';
import { messageLimit, WS_OPTIONS } from './limits.js';
import type { Origins } from './origins.js';
import { mayConnect, originOf } from './origins.js';

export { tlsServerOptions } from '../tls/accept.js';

export interface Listening {
  readonly scheme: 'ws' | 'wss';
  readonly asked: HostAndPort;
  /** `''`: any. */
  readonly path: string;
  /** Given: it speaks TLS. */
  readonly tls: NodeTlsOptions | undefined;
  readonly origins: Origins | undefined;
  readonly limits: Limits;
  readonly closeTimeout: number;
  readonly onConnection: (connection: Connection) => void;
  readonly onError: ListenOptions['onError'];
}

/** Our own subprotocol; a browser that asks for others gets the first of them, because it insists on one. */
const SUBPROTOCOL = 'spoke';

/** One endpoint. The server that `listen` is called on is `server`; nothing is open before. */
export class WebSocketListening {
  readonly server: Server;
  readonly #options: Listening;
  readonly #doorstep: Doorstep;
  readonly #http: HttpServer;
  readonly #upgrader: WebSocketServer;
  #closed: Promise<void> | undefined;

  constructor(options: Listening) {
    const { limits, tls, scheme, onError } = options;
    this.#options = options;
    this.#doorstep = new Doorstep(limits.connectTimeout);
    this.#upgrader = new WebSocketServer({
      ...WS_OPTIONS,
      noServer: true,
      clientTracking: false,
      maxPayload: messageLimit(limits),
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : (offered.values().next().value ?? false)),
    });
    this.#upgrader.on('wsClientError', (error, socket, request) => {
      this.#refuse(request.socket, 400, 'MALFORMED', error.message);
      socket.on('error', () => {});
    });
    this.server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: tls !== undefined });
    if (tls === undefined) {
      const http = createHttpServer();
      this.#http = http;
      this.server.on('connection', (socket: Socket) => {
        if (this.#doorstep.enter(socket)) http.emit('connection', socket);
      });
    } else {
      const https = createHttpsServer(tls);
      this.#http = https;
      const admit = tlsGate({ scheme, server: https, doorstep: this.#doorstep, onError });
      this.server.on('connection', (raw: Socket) => admit(raw));
    }
    this.#http.on('request', (request, response) => this.#answer(request, response));
    this.#http.on('upgrade', (request, _, head) => this.#upgrade(request, head));
    this.#http.on('clientError', (error, socket) => {
      if (socket instanceof Socket) this.#malformed(error, socket);
    });
  }

  /** Where it can be reached, once `server` listens. */
  get address(): string {
    const { scheme, asked, path } = this.#options;
    return formatAddress({ scheme, ...boundTo(this.server, asked), path });
  }

  /** From now on the server's errors are told to `onError`. */
  watch(): void {
    const { address } = this;
    this.server.on('error', (error) => report(this.#options.onError, acceptFailed(address, error)));
  }

  /** Other certificates, for connections from now on. */
  renew(tls: NodeTlsOptions): void {
    if (this.#http instanceof HttpsServer) this.#http.setSecureContext(tls);
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = stopListening(this.server);
      this.#doorstep.close();
    }
    return this.#closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const text =
      'This is a spoke broker: it speaks WebSocket here, and has no web pages. ' +
      `Connect with ${this.#options.scheme}://${request.headers.host ?? 'host:port'}.\n`;
    response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket', Connection: 'Upgrade, close' });
    response.end(text);
  }

  #upgrade(request: IncomingMessage, head: Buffer): void {
    const { path, origins } = this.#options;
    const { socket } = request;
    const [asked = ''] = (request.url ?? '').split('?');
    if (path !== '' && asked !== path) {
      this.#refuse(socket, 404, 'MALFORMED', `asked for ${JSON.stringify(asked)}, and this endpoint is ${path}`);
      return;
    }
    if (!mayConnect(request, origins)) {
      const origin = JSON.stringify(originOf(request));
      this.#refuse(socket, 403, 'FORBIDDEN', `pages of ${origin} may not connect here; the option origins lets them`);
      return;
    }
    // It may have changed.
    this.#upgrader.options.maxPayload = messageLimit(this.#options.limits);
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket, socket));
  }

  #accept(webSocket: WebSocket, socket: Socket): void {
    const { scheme, closeTimeout, onConnection, onError } = this.#options;
    // Nothing is read before `start`.
    webSocket.pause();
    if (!this.#doorstep.leave(socket)) {
      webSocket.on('error', () => {});
      webSocket.terminate();
      return;
    }
    const address = remoteAddress(scheme, socket);
    const peer: PeerInfo = socket instanceof TLSSocket ? securePeer(socket, address) : { address };
    const connection = new WebSocketConnection({ webSocket, socket, peer, closeCode: GOING_AWAY, closeTimeout });
    handOver(connection, onConnection, onError);
  }

  /** Answers in HTTP, ends, and tells the owner of the listener. The doorstep's time limit holds until the end. */
  #refuse(socket: Socket, status: number, code: SpokeErrorCode, why: string): void {
    const peer = remoteAddress(this.#options.scheme, socket);
    report(this.#options.onError, new SpokeError(code, `${peer}: ${why}`, { details: { address: peer } }));
    socket.on('error', () => socket.destroy());
    socket.end(httpAnswer(status, why));
    socket.resume();
  }

  // What came is no HTTP.
  #malformed(error: Error, socket: Socket): void {
    const first = 'rawPacket' in error && error.rawPacket instanceof Uint8Array ? error.rawPacket : new Uint8Array(0);
    if (!socket.writable || first.length === 0) {
      socket.destroy();
      return;
    }
    if (!isHandshake(first)) {
      this.#refuse(socket, 400, 'MALFORMED', 'this port speaks WebSocket, and that was no HTTP request');
      return;
    }
    const peer = remoteAddress(this.#options.scheme, socket);
    const text = `${peer} speaks TLS, and this is a plain port; it should connect with ws://, or to a wss:// endpoint`;
    report(this.#options.onError, new SpokeError('MALFORMED', text, { details: { address: peer } }));
    socket.end(NO_COMMON_VERSION);
    socket.resume();
  }
}

function httpAnswer(status: number, text: string): string {
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain\r\nConnection: close\r\n` +
    `Content-Length: ${Buffer.byteLength(text) + 1}\r\n\r\n${text}\n`
  );
}
