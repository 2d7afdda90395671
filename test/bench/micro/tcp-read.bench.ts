/**
 * What receiving over TCP costs this process: processor time a chunk and a megabyte, by 'data' events and by a static
 * buffer (`onread`), on an accepted socket. The sender is a process of its own, so that its time is not counted.
 *
 * npm run bench:micro -- tcp-read
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { adopt, canAdopt, Reading } from '../../../src/transports/tcp/reading.js';

const MEGABYTES = 1024;
const ROUNDS = 5;

interface Cost {
  microsecondsPerMegabyte: number;
  microsecondsPerChunk: number;
  bytesPerChunk: number;
}

type Receive = (chunk: Uint8Array) => void;
type Open = (accepted: Socket, receive: Receive) => Socket;

const byEvents: Open = (accepted, receive) => accepted.on('data', receive);

function byBuffer(bytes: number): Open {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return (accepted, receive) => {
    const reading = new Reading(buffer);
    reading.receive = receive;
    const socket = adopt(accepted, reading);
    if (socket === undefined) throw new Error('this Node cannot adopt an accepted socket');
    return socket;
  };
}

/** `writeBytes`: how much the sender writes at a time; small writes arrive in small chunks. */
async function receive(open: Open, writeBytes: number, megabytes: number): Promise<Cost> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sender = spawn(process.execPath, ['-e', SENDER, String(port), String(writeBytes), String(megabytes * 2 ** 20)]);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  let chunks = 0;
  let bytes = 0;
  const socket = open(accepted, (chunk) => {
    chunks++;
    bytes += chunk.length;
  });
  const ended = once(socket, 'end');
  const before = process.cpuUsage();
  socket.resume();
  await ended;
  const used = process.cpuUsage(before);
  socket.destroy();
  server.close();
  if (sender.exitCode === null) await once(sender, 'exit');
  const microseconds = used.user + used.system;
  return {
    microsecondsPerMegabyte: microseconds / (bytes / 2 ** 20),
    microsecondsPerChunk: microseconds / chunks,
    bytesPerChunk: bytes / chunks,
  };
}

const SENDER = `
  const [port, size, total] = process.argv.slice(1).map(Number);
  const block = Buffer.alloc(size, 120);
  let left = total;
  const socket = require('node:net').connect({ port, host: '127.0.0.1', noDelay: true });
  const more = () => {
    while (left > 0) {
      left -= size;
      if (!socket.write(block)) { socket.once('drain', more); return; }
    }
    socket.end();
  };
  socket.on('connect', more);
`;

if (!canAdopt()) console.log("this Node cannot adopt an accepted socket: 'data' events are all there is");
const ways: [string, Open][] = [["'data' events", byEvents]];
if (canAdopt()) for (const kib of [64, 256]) ways.push([`onread, ${kib} KiB`, byBuffer(kib * 1024)]);
console.log('receiving, best of', ROUNDS, 'rounds; the ratio is to the first way');
for (const writeBytes of [64 * 1024, 2 * 1024]) {
  const megabytes = writeBytes < 4096 ? MEGABYTES / 8 : MEGABYTES;
  let first: number | undefined;
  for (const [name, open] of ways) {
    let best: Cost | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const cost = await receive(open, writeBytes, megabytes);
      if (best === undefined || cost.microsecondsPerMegabyte < best.microsecondsPerMegabyte) best = cost;
    }
    if (best === undefined) continue;
    first ??= best.microsecondsPerMegabyte;
    console.log(
      `writes of ${writeBytes} bytes, ${name.padEnd(16)} ${best.microsecondsPerMegabyte.toFixed(0).padStart(6)} us/MB ` +
        `${best.microsecondsPerChunk.toFixed(2).padStart(7)} us/chunk of ${best.bytesPerChunk.toFixed(0).padStart(6)} bytes ` +
        `  ${(best.microsecondsPerMegabyte / first).toFixed(2)}`,
    );
  }
}
