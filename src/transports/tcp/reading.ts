// How received bytes reach a connection: into one static buffer of the transport, handed on by a plain call.
// Compared with 'data' events, which allocate a buffer for every read, it takes 0.4 to 0.65 of the processor time for full
// chunks and 0.9 for small ones, the work of the kernel included (test/bench/micro/tcp-read.bench.ts, on a busy machine). A
// buffer of 256 KiB takes twice as much for full chunks.

import type { OnReadOpts } from 'node:net';
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import { plainBytes } from '../plain-bytes.js';

type Receive = (chunk: Uint8Array) => void;

/** The reading side of one socket: made before the socket, joined to its connection after. */
export class Reading {
  /** For the options of the socket. */
  readonly onread: OnReadOpts;
  receive: Receive | undefined;

  constructor(buffer: Uint8Array) {
    const bytes = plainBytes(buffer);
    this.onread = {
      buffer,
      callback: (length) => {
        this.receive?.(length === bytes.length ? bytes : bytes.subarray(0, length));
        return true;
      },
    };
  }
}

/**
 * The same accepted connection as a socket that reads into the static buffer, paused. Node offers `onread` for sockets that
 * connect only, so this makes a second `Socket` on the handle of the first: the one private thing used here is
 * `_handle` with the constructor options `handle` and `pauseOnCreate` (the same in Node 20, 22 and 24).
 * `undefined` when this Node is different; `accepted` is untouched then, and 'data' events do as well.
 */
export function adopt(accepted: Socket, reading: Reading): Socket | undefined {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return undefined;
  const socket = socketOn(handle, reading.onread);
  // Without its handle the first one closes by itself, and the server counts it out.
  Reflect.set(accepted, '_handle', null);
  accepted.destroy();
  return socket;
}

/** Whether `adopt` works in this Node, found out with a handle that is none. */
export function canAdopt(): boolean {
  const buffer = Buffer.alloc(1);
  let given: unknown;
  let reading = false;
  const handle = {
    reading: false,
    onread: undefined,
    useUserBuffer(used: unknown) {
      given = used;
    },
    readStart() {
      reading = true;
      return 0;
    },
    readStop: () => 0,
    getAsyncId: () => 0,
    close(done?: () => void) {
      done?.();
    },
  };
  try {
    const probe = socketOn(handle, { buffer, callback: () => true });
    const works =
      given === buffer && !reading && Reflect.get(probe, '_handle') === handle && handle.onread !== undefined;
    probe.destroy();
    return works;
  } catch {
    return false;
  }
}

function socketOn(handle: object, onread: OnReadOpts): Socket {
  const options = { handle, onread, allowHalfOpen: true, pauseOnCreate: true };
  return new Socket(options);
}
