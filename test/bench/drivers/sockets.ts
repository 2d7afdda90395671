// Raw sockets at the least cost: all that one thread reads lands in one buffer, and nothing is allocated for it.

import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { WireName } from '../wires/index.js';
import { WIRES } from '../wires/index.js';
import type { Wire } from '../wires/wire.js';

const READ_BYTES = 256 * 1024;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

export interface RawSocket {
  readonly socket: Socket;
  /** Called for each read; the bytes are valid until it returns. */
  onBytes: (bytes: Buffer, length: number) => void;
}

/** Opens the connections of one driver. `lost` rejects when one of them ends. */
export class RawPeers {
  readonly wire: Wire;
  readonly lost: Promise<never>;
  readonly #port: number;
  readonly #sockets: Socket[] = [];
  #fail: (error: Error) => void = () => {};

  constructor(wire: WireName, port: number) {
    this.wire = WIRES[wire];
    this.#port = port;
    this.lost = new Promise((_, reject) => (this.#fail = reject));
    this.lost.catch(() => {});
  }

  async publisher(): Promise<RawSocket> {
    const { welcome = 0 } = this.wire;
    return this.#greet('publisher', [], (received) => received.length >= welcome);
  }

  /** Resolves when the subscriptions are in effect. */
  async subscriber(patterns: readonly string[]): Promise<RawSocket> {
    return this.#greet('subscriber', patterns, (received) => this.wire.subscribed(received, patterns.length));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #greet(
    role: 'publisher' | 'subscriber',
    patterns: readonly string[],
    isReady: (received: string) => boolean,
  ): Promise<RawSocket> {
    const raw = await this.#open();
    let received = '';
    const ready = new Promise<void>((resolve) => {
      raw.onBytes = (bytes, length) => {
        received += bytes.toString('latin1', 0, length);
        if (isReady(received)) resolve();
      };
    });
    raw.socket.write(this.wire.greeting(role));
    if (patterns.length > 0) raw.socket.write(this.wire.subscribe(patterns));
    if (!isReady('')) await Promise.race([ready, this.lost]);
    raw.onBytes = () => {};
    return raw;
  }

  async #open(): Promise<RawSocket> {
    return new Promise((resolve) => {
      const raw: { onBytes: RawSocket['onBytes'] } = { onBytes: () => {} };
      const socket = connect({
        host: '127.0.0.1',
        port: this.#port,
        noDelay: true,
        onread: {
          buffer,
          callback: (length) => {
            raw.onBytes(buffer, length);
            return true;
          },
        },
      });
      this.#sockets.push(socket);
      socket.once('connect', () => resolve(Object.assign(raw, { socket })));
      socket.on('error', (error) => this.#fail(error));
      socket.on('end', () => this.#fail(new Error('the server ended a connection')));
    });
  }
}
