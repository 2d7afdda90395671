// A broker of the existing network, as its protocol page describes one. It writes down everything it is sent.

import { Buffer } from 'node:buffer';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { Frames, textOf } from './frames.js';
import type { Value, ValueMap } from './json.js';
import { read, toJs, write } from './json.js';
import { canonical, matches } from './patterns.js';
import { Happenings } from './until.js';

/** One message as it came. */
export interface Received {
  /** Counted from 1, in the order in which they were accepted. */
  readonly connection: number;
  /** Without the NUL. */
  readonly bytes: Buffer;
  readonly channel: string;
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** The server's side of one client. */
export class ServedConnection {
  readonly number: number;
  readonly patterns = new Set<string>();
  readonly frames = new Frames();
  readonly socket: Socket;

  constructor(number: number, socket: Socket) {
    this.number = number;
    this.socket = socket;
  }

  /** Bytes as they are: for a server that misbehaves. */
  inject(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }
}

export class IndependentServer {
  readonly port: number;
  /** All that arrived and could be read, in order. */
  readonly received: Received[] = [];
  /** What could not be read, and streams that ended inside a message. Our own programs must never be in here. */
  readonly complaints: string[] = [];
  readonly connections: ServedConnection[] = [];
  /** Messages on these channels are written down and go no further, as in a broker that hangs. */
  swallows: (channel: string) => boolean = () => false;
  readonly #server: Server;
  readonly #kept = new Map<string, ValueMap>();
  readonly #happenings = new Happenings();
  #time = 0;

  /** @param port - 0: any free one. */
  static async start(port = 0): Promise<IndependentServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new IndependentServer(server);
  }

  private constructor(server: Server) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    let accepted = 0;
    server.on('connection', (socket) => this.#accept(new ServedConnection(++accepted, socket)));
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  /** Resolves when `condition` holds; looks after every message and every connection that comes or goes. */
  async until(condition: () => boolean, what: string): Promise<void> {
    await this.#happenings.until(
      condition,
      () => `${what}; received: ${this.received.map(({ bytes }) => bytes).join('  ')}`,
    );
  }

  /** Goes down at once, as a killed process does: connections end, what was kept is forgotten. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }

  #accept(connection: ServedConnection): void {
    this.connections.push(connection);
    const { socket, frames } = connection;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      for (const frame of frames.add(chunk)) this.#receive(connection, frame);
      this.#happenings.happened();
    });
    // A client that breaks off is an everyday thing.
    socket.on('error', () => {});
    socket.on('close', () => {
      if (frames.rest.length > 0) this.complaints.push(`ended inside a message: ${frames.rest.toString('latin1')}`);
      this.connections.splice(this.connections.indexOf(connection), 1);
      this.#happenings.happened();
    });
    this.#happenings.happened();
  }

  #receive(connection: ServedConnection, bytes: Buffer): void {
    const message = this.#read(bytes);
    if (message === undefined) return;
    const [head, sent, body] = message;
    const channel = canonical(sent);
    this.received.push({
      connection: connection.number,
      // A copy: the frame is a part of the stream's buffer.
      bytes: Buffer.from(bytes),
      channel,
      head: Object.fromEntries([...head].map(([key, value]) => [key, toJs(value)])),
      body: toJs(body),
    });
    if (this.swallows(channel)) return;
    head.set('channel', channel);
    if (!head.has('time')) head.set('time', this.#now());
    const bounce = truth(head.get('bounce') ?? true);
    head.delete('bounce');
    this.#obey(connection, channel, body);
    const forwarded: ValueMap = new Map([
      ['head', head],
      ['body', body],
    ]);
    if (truth(head.get('persist') ?? false) && !this.#keep(channel, forwarded)) return;
    for (const target of this.connections) {
      if (target === connection && !bounce) continue;
      if ([...target.patterns].some((pattern) => matches(pattern, channel))) send(target, forwarded);
    }
  }

  // The peers' clock counts microseconds, and two messages never share one.
  #now(): number {
    this.#time = Math.max(Date.now() / 1000, this.#time + 1e-6);
    return this.#time;
  }

  #obey(connection: ServedConnection, channel: string, body: Value): void {
    if (typeof body !== 'string') return;
    const pattern = canonical(body);
    if (channel === '-control/unsubscribe') connection.patterns.delete(pattern);
    if (channel !== '-control/subscribe') return;
    connection.patterns.add(pattern);
    for (const [kept, message] of this.#kept) if (matches(pattern, kept)) send(connection, message);
  }

  /** Whether the message is newer than what is kept. */
  #keep(channel: string, message: ValueMap): boolean {
    const before = this.#kept.get(channel);
    if (before !== undefined && timeOf(message) <= timeOf(before)) return false;
    this.#kept.set(channel, message);
    return true;
  }

  #read(bytes: Buffer): [head: ValueMap, channel: string, body: Value] | undefined {
    try {
      const message = read(textOf(bytes));
      if (!(message instanceof Map)) throw new TypeError('not an object');
      const head = message.get('head');
      if (!(head instanceof Map)) throw new TypeError('no head');
      const channel = head.get('channel');
      if (typeof channel !== 'string') throw new TypeError('no channel');
      // Where the peers' decoders break.
      if (head.has('self') || head.has('body')) throw new TypeError('a head key that no peer can take');
      return [head, channel, message.get('body') ?? null];
    } catch (error) {
      this.complaints.push(`${String(error)}: ${bytes.toString('latin1')}`);
      return undefined;
    }
  }
}

function send({ socket }: ServedConnection, message: ValueMap): void {
  socket.write(`${write(message)}\0`);
}

function timeOf(message: ValueMap): number {
  const head = message.get('head');
  return head instanceof Map ? Number(head.get('time')) : NaN;
}

function truth(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : Boolean(value);
}
