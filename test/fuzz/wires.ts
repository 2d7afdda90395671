// Connections of strangers over each transport, and how they are counted.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { Happenings } from '../support/independent-peer/index.js';

export interface Stranger {
  /** All that it was sent. */
  readonly received: Buffer[];
  readonly ended: boolean;
  send(bytes: Uint8Array): void;
  /** Breaks off, and resolves when the connection is over. */
  end(): Promise<void>;
  /** Resolves when the broker has sent something that holds this text, or ended the connection. */
  heard(text: string): Promise<void>;
}

/** @param url - of a TCP, WebSocket or Unix endpoint of a broker. */
export async function strangerAt(url: string): Promise<Stranger> {
  if (url.startsWith('ws:')) return webSocket(url);
  const socket = url.startsWith('unix:')
    ? connect(url.replace(/^unix:(\/\/)?/, ''))
    : connect(Number(new URL(url).port), '127.0.0.1');
  return stream(socket);
}

async function stream(socket: Socket): Promise<Stranger> {
  socket.on('error', () => {});
  await once(socket, 'connect');
  const ears = new Ears();
  socket.on('data', (chunk: Buffer) => ears.hear(chunk)).on('close', () => ears.end());
  return ears.stranger(
    (bytes) => void socket.write(bytes),
    () => void socket.destroy(),
  );
}

async function webSocket(url: string): Promise<Stranger> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on('error', () => {});
  await once(socket, 'open');
  const ears = new Ears();
  socket.on('message', (data) => ears.hear(Buffer.from(data as ArrayBuffer))).on('close', () => ears.end());
  return ears.stranger(
    (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes, { binary: true });
    },
    () => socket.terminate(),
  );
}

class Ears {
  readonly #received: Buffer[] = [];
  readonly #happenings = new Happenings();
  #ended = false;

  hear(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#happenings.happened();
  }

  end(): void {
    this.#ended = true;
    this.#happenings.happened();
  }

  stranger(send: (bytes: Uint8Array) => void, destroy: () => void): Stranger {
    const [received, happenings] = [this.#received, this.#happenings];
    const isEnded = () => this.#ended;
    return {
      received,
      get ended() {
        return isEnded();
      },
      send,
      async end() {
        destroy();
        await happenings.until(isEnded, () => 'the end of a stranger');
      },
      async heard(text) {
        const found = () => isEnded() || Buffer.concat(received).includes(text);
        await happenings.until(found, () => `${text}, of ${Buffer.concat(received).toString('latin1').slice(0, 2000)}`);
      },
    };
  }
}
