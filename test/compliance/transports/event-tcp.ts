// TCP as it is where accepted sockets cannot be adopted (src/transports/tcp/reading.ts): all bytes come by 'data' events.

import { connect, createServer } from 'node:net';
import type {
  Address,
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  Transport,
} from '../../../src/contracts/index.js';
import { formatAddress, handOver } from '../../../src/transports/index.js';
import { SocketConnection } from '../../../src/transports/tcp/connection.js';
import { connectFailed, connectTimedOut, listenFailed } from '../../../src/transports/tcp/errors.js';
import { boundTo, SOCKET_OPTIONS } from '../../../src/transports/tcp/host-port.js';
import { stopListening, untilListening, untilOpen } from '../../../src/transports/tcp/opening.js';
import { requireNotAborted } from '../../../src/transports/opening.js';

export class EventTcpTransport implements Transport {
  readonly schemes = ['tcp'];

  async connect(address: Address, { signal, limits }: ConnectOptions): Promise<Connection> {
    requireNotAborted(address, signal);
    const socket = connect({ ...SOCKET_OPTIONS, host: address.host, port: address.port ?? 0 });
    socket.pause();
    await untilOpen(socket, {
      address,
      signal,
      event: 'connect',
      timeout: limits.connectTimeout,
      failed: (cause) => connectFailed(address, cause),
      timedOut: () => connectTimedOut(address, limits.connectTimeout),
    });
    return new SocketConnection({ socket, peer: { address: address.href }, closeTimeout: 5_000, resets: true });
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    { signal, onError }: ListenOptions,
  ): Promise<Listener> {
    requireNotAborted(address, signal);
    const asked = { host: address.host, port: address.port ?? 0 };
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    const failed = (cause: unknown) => listenFailed(address, cause);
    await untilListening(server, () => server.listen(asked), { address, signal, failed });
    server.on('connection', (socket) => {
      const peer = { address: `tcp://127.0.0.1:${socket.remotePort}` };
      const connection = new SocketConnection({ socket, peer, closeTimeout: 5_000, resets: true });
      handOver(connection, onConnection, onError);
    });
    return {
      address: formatAddress({ scheme: 'tcp', ...boundTo(server, asked) }),
      close: () => stopListening(server),
    };
  }
}
