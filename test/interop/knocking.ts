// Programs of other people at the doors of a broker: what they send, and what they get.

import { once } from 'node:events';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { WebSocket } from 'ws';

import { Collector } from '../support/collector.js';
import { within } from '../support/within.js';

export class Knocking {
  readonly #ends: (() => void)[] = [];

  /** Ends what a test that failed has left. */
  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  tcp(port: number): Socket {
    const socket = connect(port, '127.0.0.1');
    this.#ends.push(() => socket.destroy());
    return socket;
  }

  /** Sends bytes, and collects what comes until the other side ends it. */
  async untilClosed(port: number, bytes: string | Uint8Array): Promise<Buffer> {
    const socket = this.tcp(port);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
    const closed = once(socket, 'close');
    socket.write(bytes);
    await within(closed, 'the end of a connection');
    return Buffer.concat(chunks);
  }

  async httpGet(port: number): Promise<{ status: number | undefined; text: string }> {
    const answer = new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: '/status' }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      }).on('error', reject);
    });
    return within(answer, 'an answer in HTTP');
  }

  /** A WebSocket as a page of the same host opens it, and what it receives. */
  async page(port: number): Promise<{ socket: WebSocket; messages: Collector<Buffer> }> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { origin: 'http://127.0.0.1:8080' });
    this.#ends.push(() => socket.terminate());
    const messages = new Collector<Buffer>('messages of a WebSocket');
    socket.on('message', (data) => messages.add(Buffer.from(data as ArrayBuffer)));
    await within(once(socket, 'open'), 'a WebSocket');
    return { socket, messages };
  }
}

/** How a WebSocket was ended. */
export async function farewell(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await within(once(socket, 'close'), 'the end of a WebSocket')) as [number, Buffer];
  return { code, reason: reason.toString() };
}
