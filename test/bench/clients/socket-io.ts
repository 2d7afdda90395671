// The client of socket.io, over WebSocket from the start.

import { foreign } from '../foreign.js';
import type { Connect } from './client.js';

interface Socket {
  on(event: string, listener: (...values: never[]) => void): void;
  once(event: string, listener: (error?: Error) => void): void;
  emit(event: string, ...values: unknown[]): void;
  emitWithAck(event: string, ...values: unknown[]): Promise<unknown>;
  disconnect(): void;
}

export const connectSocketIo: Connect = async ({ port }) => {
  const { io } = await foreign<{ io: (url: string, options: object) => Socket }>('socket.io-client');
  // Clients of one thread would share a connection otherwise.
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, reconnection: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return {
    subscribe: async (pattern, handler) => {
      socket.on('message', (_channel: string, body: unknown) => handler(body));
      await socket.emitWithAck('subscribe', pattern);
    },
    publish: (channel, body) => socket.emit('publish', channel, body),
    close: async () => socket.disconnect(),
    provide: async (name, procedure) => {
      socket.on('call', (argument: unknown, done: (value: unknown) => void) => done(procedure(argument)));
      await socket.emitWithAck('provide', name);
    },
    call: (name, argument) => socket.emitWithAck('call', name, argument),
  };
};
