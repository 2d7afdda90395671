// The least a client can be: JSON and NUL over the relay, written once per turn.

import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { BenchClient, Connect, Role } from './client.js';

/** The group to read from and the one to write to. */
const GROUPS: Readonly<Record<Role, string>> = { publisher: '-a', subscriber: 'a-', caller: 'ba', provider: 'ab' };

interface Envelope {
  readonly id?: number;
  readonly body: unknown;
}

export const connectRelay: Connect = async ({ port }, role) => {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.setEncoding('utf8');
  socket.on('error', (error) => {
    throw error;
  });
  await new Promise<void>((resolve) => {
    socket.once('data', () => resolve());
    socket.write(GROUPS[role]);
  });
  return new RelayClient(socket);
};

class RelayClient implements BenchClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #handler: (envelope: Envelope) => void = ({ id, body }) => {
    const done = this.#waiting.get(id ?? 0);
    this.#waiting.delete(id ?? 0);
    done?.(body);
  };
  #calls = 0;
  #rest = '';
  #out = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (text: string) => this.#read(text));
  }

  async subscribe(_pattern: string, handler: (body: unknown) => void): Promise<void> {
    this.#handler = ({ body }) => handler(body);
  }

  publish(_channel: string, body: unknown): void {
    this.#write({ body });
  }

  async provide(_name: string, procedure: (argument: unknown) => unknown): Promise<void> {
    this.#handler = ({ id, body }) => this.#write({ ...(id !== undefined && { id }), body: procedure(body) });
  }

  call(_name: string, argument: unknown): Promise<unknown> {
    const id = ++this.#calls;
    this.#write({ id, body: argument });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }

  #write(envelope: Envelope): void {
    if (this.#out === '') setImmediate(() => this.#flush());
    this.#out += `${JSON.stringify(envelope)}\0`;
  }

  #flush(): void {
    this.#socket.write(this.#out);
    this.#out = '';
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split('\0');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      const envelope: Envelope = JSON.parse(part);
      this.#handler(envelope);
    }
  }
}
