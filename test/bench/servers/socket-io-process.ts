// Publish and subscribe as programs write it with socket.io: a room for each pattern. It has no wildcards, so a message
// goes to the room of its channel and to the one room in which `*` stands for the token in the middle.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { foreign } from '../foreign.js';
import { ready, untilTold } from './until-told.js';

type Answer = (value?: unknown) => void;

interface ServerSocket {
  on(event: string, listener: (...values: never[]) => void): void;
  join(room: string): void;
  emit(event: string, ...values: unknown[]): void;
}
interface Io {
  on(event: 'connection', listener: (socket: ServerSocket) => void): void;
  to(rooms: string[]): { emit(event: string, ...values: unknown[]): void };
  close(): Promise<void>;
}

const { Server } = await foreign<{ Server: new (http: unknown, options: object) => Io }>('socket.io');
const http = createServer();
// Its default of 1 MB is enough, and compression is off by default.
const io = new Server(http, { transports: ['websocket'] });
const providers = new Map<string, ServerSocket>();

io.on('connection', (socket) => {
  socket.on('subscribe', (pattern: string, done: Answer) => {
    socket.join(pattern);
    done();
  });
  socket.on('publish', (channel: string, body: unknown) => {
    io.to([channel, channel.replace(/\/[^/]+\//, '/*/')]).emit('message', channel, body);
  });
  socket.on('provide', (name: string, done: Answer) => {
    providers.set(name, socket);
    done();
  });
  socket.on('call', (name: string, argument: unknown, done: Answer) => {
    providers.get(name)?.emit('call', argument, done);
  });
});

http.listen(0, '127.0.0.1');
await once(http, 'listening');
ready(http.address());
await untilTold();
await io.close();
