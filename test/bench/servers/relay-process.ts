// The floor: what it costs Node to take bytes from one socket and give them to others, and nothing else.
// The first two bytes of a connection name the group it reads from and the group it writes to (`-` for none); the
// answer `!` says that it has joined.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';
import { ready, untilTold } from './until-told.js';

const MOST_WAITING = 1024 * 1024;
const groups = new Map<string, Set<Socket>>();
const sockets = new Set<Socket>();

function group(name: string): Set<Socket> {
  let members = groups.get(name);
  if (members === undefined) groups.set(name, (members = new Set()));
  return members;
}

function relay(from: Socket, readers: Set<Socket>, chunk: Buffer): void {
  for (const reader of readers) {
    reader.write(chunk);
    if (reader.writableLength <= MOST_WAITING) continue;
    // Like a pipe: whoever writes waits for the slowest reader.
    from.pause();
    reader.once('drain', () => from.resume());
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  let joined: Set<Socket> | undefined;
  let first = Buffer.alloc(0);
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    if (joined !== undefined) {
      relay(socket, joined, chunk);
      return;
    }
    first = Buffer.concat([first, chunk]);
    if (first.length < 2) return;
    const [from = '-', to = '-'] = first.toString('latin1', 0, 2);
    if (from !== '-') {
      group(from).add(socket);
      socket.on('close', () => group(from).delete(socket));
    }
    joined = to === '-' ? new Set() : group(to);
    socket.write('!');
    if (first.length > 2) relay(socket, joined, first.subarray(2));
  });
});

server.listen(0, '127.0.0.1');
await once(server, 'listening');
ready(server.address());
await untilTold();
server.close();
for (const socket of sockets) socket.destroy();
