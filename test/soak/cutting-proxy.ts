// A way to a broker that breaks off in the middle of anything.

import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export class CuttingProxy {
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((socket) => {
      const onward = connect({ port, host: '127.0.0.1', noDelay: true });
      this.#keep(socket, onward);
      this.#keep(onward, socket);
    });
  }

  static async open(url: string | undefined): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(Number(new URL(url ?? '').port));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `tcp://127.0.0.1:${port}`;
  }

  /** Breaks off all that passes now. */
  cut(): void {
    this.cuts++;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroy();
    });
    socket.pipe(other);
  }
}
