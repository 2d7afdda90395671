// What waits to be sent on one connection: ranges of shared blocks until the end of the turn, then the connection's
// own queue, and, once the connection says stop, private copies that are counted to the byte.

import type { Connection } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { MakeOutbox, Outbox } from './outbox.js';
import type { Flushable, Turn } from './turn.js';

// Enough for one write to be worth its system call, and few enough that a turn does not pile up memory.
const FLUSH_BYTES = 128 * 1024;
// Ranges at least this long are sent on their own: copying them costs more than one more write.
const OWN_WRITE_BYTES = 16 * 1024;
const FIRST_BACKLOG_BLOCK = 4 * 1024;
const BACKLOG_BLOCK = 64 * 1024;
/** Milliseconds in which a reader takes what one turn brought it above its limit. */
const BURST_TIME = 1000;

const NO_TOTAL: OutboundTotal = { bytes: 0, limit: Infinity, exceeded() {} };

/** Bytes waiting for `drain` on all connections of one broker. */
export interface OutboundTotal {
  bytes: number;
  readonly limit: number;
  /** Called when `bytes` has passed `limit`; ends connections until it no longer does. */
  exceeded(): void;
}

/** Looked at when it matters: it may change. */
export interface OutboundLimit {
  /** Bytes that may wait on one connection. */
  readonly outboundBytes: number;
}

const NO_LIMIT: OutboundLimit = { outboundBytes: Infinity };

/**
 * Makes the outboxes of one broker or client.
 * @param turn - shared by all of them.
 * @param limits - past them a connection ends as a slow consumer. Default: none.
 */
export function blockOutboxes(turn: Turn, limits = NO_LIMIT, total: OutboundTotal = NO_TOTAL): MakeOutbox {
  return (connection, fail) => {
    const { address } = connection.peer;
    const overflow = () => {
      const limit = limits.outboundBytes;
      const text = `${address} does not read: more than ${limit} bytes (limits.outboundBytes) wait for it`;
      fail(new SpokeError('SLOW_CONSUMER', text, { details: { address, limit } }));
    };
    return new BlockOutbox(connection, turn, limits, total, overflow);
  };
}

/** Joins what is next to each other in memory, so that a turn is one write, and nothing is copied while the connection keeps up. */
export class BlockOutbox implements Outbox, Flushable {
  readonly #connection: Connection;
  readonly #turn: Turn;
  readonly #limits: OutboundLimit;
  readonly #total: OutboundTotal;
  readonly #overflow: () => void;

  // Ranges of this turn: the newest in three fields, because nearly always there is only one.
  #block: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #earlier: Uint8Array[] = [];
  #turnBytes = 0;
  #added = false;

  // What waits for `drain`.
  #blocked = false;
  #backlog: Uint8Array[] = [];
  #tail: Uint8Array | undefined;
  #tailUsed = 0;
  #backlogBytes = 0;
  #closed = false;

  // More than the limit came within one turn, in which nobody can read. `#burst` waited then, and may not become more.
  #burst = 0;
  #burstTurn = 0;
  #cancelBurst: (() => void) | undefined;

  /**
   * @param limits - of bytes that may wait for `drain`; past it `overflow` is called, once, and the caller ends the connection.
   */
  constructor(connection: Connection, turn: Turn, limits: OutboundLimit, total: OutboundTotal, overflow: () => void) {
    this.#connection = connection;
    this.#turn = turn;
    this.#limits = limits;
    this.#total = total;
    this.#overflow = overflow;
  }

  /** Whether the connection asked to stop: bytes pushed now wait for it. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Bytes that this side holds for the connection. */
  get pendingBytes(): number {
    return this.#turnBytes + this.#backlogBytes + this.#connection.pendingBytes;
  }

  /** Bytes that wait for `drain`. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Queues `block[start, end)`. The range is not changed before all outboxes of the turn have `released` it. */
  push(block: Uint8Array, start: number, end: number): void {
    if (this.#blocked) {
      this.#keep(block, start, end);
      return;
    }
    if (block === this.#block && start === this.#end) {
      this.#end = end;
    } else {
      if (this.#block !== undefined) this.#earlier.push(this.#block.subarray(this.#start, this.#end));
      this.#block = block;
      this.#start = start;
      this.#end = end;
    }
    this.#turnBytes += end - start;
    if (!this.#added) {
      this.#added = true;
      this.#turn.add(this);
    }
    if (this.#turnBytes >= FLUSH_BYTES) this.#send();
  }

  hold(bytes: number): void {
    if (this.#closed) return;
    this.#count(bytes);
    if (bytes > 0) this.#check();
  }

  /** End of the turn. */
  flush(): void {
    this.#added = false;
    this.#send();
  }

  /** What waits for `drain` is a copy, but for what the connection has. */
  get released(): boolean | undefined {
    if (this.#closed) return true;
    return this.#connection.releases === true ? this.#connection.pendingBytes === 0 : undefined;
  }

  /** The connection has room again. */
  drain(): void {
    this.#blocked = false;
    const waiting = this.#backlog;
    if (this.#tail !== undefined) waiting.push(this.#tail.subarray(0, this.#tailUsed));
    this.#backlog = [];
    this.#tail = undefined;
    let sent = 0;
    while (sent < waiting.length && !this.#blocked) {
      const chunk = waiting[sent++];
      if (chunk === undefined) break;
      this.#count(-chunk.length);
      this.#blocked = !this.#connection.send(chunk);
    }
    if (sent < waiting.length) this.#backlog = waiting.slice(sent);
    if (this.#cancelBurst !== undefined && !this.#isOver) this.#endBurst();
  }

  /** Hands everything to the connection, whether it asked to stop or not: nothing will be pushed after this. */
  finish(): void {
    this.#send();
    if (this.#tail !== undefined) this.#backlog.push(this.#tail.subarray(0, this.#tailUsed));
    for (const chunk of this.#backlog) this.#connection.send(chunk);
    this.close();
  }

  /** The connection has ended: forgets everything. */
  close(): void {
    this.#closed = true;
    this.#endBurst();
    this.#blocked = true;
    this.#count(-this.#backlogBytes);
    this.#backlog = [];
    this.#tail = undefined;
    this.#dropTurn();
  }

  #send(): void {
    if (this.#block === undefined) return;
    const last = this.#turn.view(this.#block, this.#start, this.#end);
    const earlier = this.#earlier;
    this.#dropTurn();
    if (earlier.length === 0) {
      this.#blocked = !this.#connection.send(last);
      return;
    }
    this.#earlier = [];
    earlier.push(last);
    for (const chunk of joinSmall(earlier)) {
      if (this.#blocked) this.#keep(chunk, 0, chunk.length);
      else this.#blocked = !this.#connection.send(chunk);
    }
  }

  #dropTurn(): void {
    this.#block = undefined;
    this.#turnBytes = 0;
  }

  // A range of a shared block would hold all of that block for as long as this one reader stalls: copy it.
  #keep(block: Uint8Array, start: number, end: number): void {
    if (this.#closed) return;
    this.#count(end - start);
    while (start < end) {
      if (this.#tail === undefined || this.#tailUsed === this.#tail.length) {
        if (this.#tail !== undefined) this.#backlog.push(this.#tail);
        this.#tail = new Uint8Array(this.#tail === undefined ? FIRST_BACKLOG_BLOCK : BACKLOG_BLOCK);
        this.#tailUsed = 0;
      }
      const length = Math.min(end - start, this.#tail.length - this.#tailUsed);
      this.#tail.set(block.subarray(start, start + length), this.#tailUsed);
      this.#tailUsed += length;
      start += length;
    }
    this.#check();
  }

  #check(): void {
    if (this.#isOver && !this.#isBurst()) this.#overflow();
    else if (this.#total.bytes > this.#total.limit) this.#total.exceeded();
  }

  get #isOver(): boolean {
    return this.#backlogBytes + this.#connection.pendingBytes > this.#limits.outboundBytes;
  }

  /** Whether all that is over the limit came in one turn, a short while ago. */
  #isBurst(): boolean {
    if (this.#cancelBurst === undefined) {
      this.#burstTurn = this.#turn.ended;
      // So that the turn ends, whoever else has something to send.
      this.#turn.add(this);
      this.#cancelBurst = this.#turn.clock.setTimer(BURST_TIME, () => {
        if (this.#isOver) this.#overflow();
        else this.#endBurst();
      });
    }
    if (this.#burstTurn === this.#turn.ended) this.#burst = this.#backlogBytes;
    return this.#backlogBytes <= this.#burst;
  }

  #endBurst(): void {
    this.#cancelBurst?.();
    this.#cancelBurst = undefined;
  }

  #count(bytes: number): void {
    this.#backlogBytes += bytes;
    this.#total.bytes += bytes;
  }
}

// Joins runs of small chunks, so that scattered messages cost one write and one copy instead of a write each.
function joinSmall(chunks: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (chunk.length < OWN_WRITE_BYTES) {
      small.push(chunk);
      continue;
    }
    if (small.length > 0) joined.push(join(small));
    small = [];
    joined.push(chunk);
  }
  if (small.length > 0) joined.push(join(small));
  return joined;
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.length;
  const joined = typeof Buffer === 'function' ? Buffer.allocUnsafeSlow(bytes) : new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}
