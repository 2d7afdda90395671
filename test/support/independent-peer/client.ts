// A client of the existing network, as its protocol page describes one.

import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { Frames, textOf } from './frames.js';
import type { ValueMap } from './json.js';
import { fromJs, read, toJs, write } from './json.js';
import { canonical, matches } from './patterns.js';
import { Happenings, within } from './until.js';

const RECONNECT_DELAY = 100;

/** One message as it came. */
export interface Delivered {
  /** Without the NUL. */
  readonly text: string;
  readonly channel: string;
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

export type Handler = (message: Delivered) => unknown;

export class IndependentClient {
  /** Everything the broker sent, in order, over all connections. */
  readonly delivered: Delivered[] = [];
  /** What could not be read. A broker must never send such a thing. */
  readonly complaints: string[] = [];
  readonly #port: number;
  readonly #id = randomUUID();
  readonly #handlers = new Map<string, Handler[]>();
  readonly #happenings = new Happenings();
  #socket: Socket | undefined;
  #connected = false;
  #connections = 0;
  #calls = 0;
  #roundTrips = 0;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  /** Connects; a broker that is not there yet is waited for. */
  static async connect(port: number): Promise<IndependentClient> {
    const client = new IndependentClient(port);
    client.#open();
    await client.untilConnected();
    return client;
  }

  private constructor(port: number) {
    this.#port = port;
  }

  /** How often it has connected. */
  get connections(): number {
    return this.#connections;
  }

  /** Resolves when it is connected, for the `times`th time at least. */
  async untilConnected(times = 1): Promise<void> {
    await this.until(() => this.#connected && this.#connections >= times, 'to be connected');
  }

  /** Resolves when `condition` holds; looks after every message and every change of the connection. */
  async until(condition: () => boolean, what: string): Promise<void> {
    await this.#happenings.until(
      condition,
      () => `${what}; delivered: ${this.delivered.map(({ text }) => text).join('  ')}`,
    );
  }

  /** Waits for the connection. Extra keys come before the channel, as their programs write them. */
  async publish(channel: string, body?: unknown, head: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.untilConnected();
    this.#send(channel, body, head);
  }

  /** Subscribes, on later connections too. No answer tells that it took effect; `roundTrip` does. */
  async subscribe(
    pattern: string,
    handler: Handler = () => {},
    head: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const known = canonical(pattern);
    this.#handlers.set(known, [...(this.#handlers.get(known) ?? []), handler]);
    await this.publish('-control/subscribe', pattern, head);
  }

  async unsubscribe(pattern: string): Promise<void> {
    this.#handlers.delete(canonical(pattern));
    await this.publish('-control/unsubscribe', pattern);
  }

  /** Answers calls; what `procedure` throws becomes the error. */
  async provide(name: string, procedure: (argument: unknown) => unknown): Promise<void> {
    await this.subscribe(`${name}/-rpc/**/call`, (call) => {
      let reply: Record<string, unknown>;
      try {
        reply = { okay: procedure(call.body) };
      } catch (error) {
        reply = { error: error instanceof Error ? error.message : String(error) };
      }
      this.#send(`${call.channel.slice(0, -'call'.length)}result`, reply);
    });
  }

  /** Rejects with the remote error's text. */
  async call(name: string, argument?: unknown): Promise<unknown> {
    const base = `${name}/-rpc/${this.#id}/${this.#calls++}`;
    let reply: unknown;
    const answered = new Promise<void>((resolve, reject) => {
      const answer: Handler = (result) => {
        reply = result.body;
        resolve();
      };
      this.subscribe(`${base}/result`, answer).then(() => this.publish(`${base}/call`, argument), reject);
    });
    await within(answered, () => `an answer from ${name}`);
    await this.unsubscribe(`${base}/result`);
    if (typeof reply === 'object' && reply !== null) {
      if ('error' in reply) throw new Error(String(reply.error));
      if ('okay' in reply) return reply.okay;
    }
    throw new Error(`malformed response: ${JSON.stringify(reply)}`);
  }

  /** Resolves when the broker has handled everything sent before, and what it sent in answer has arrived. */
  async roundTrip(): Promise<void> {
    const channel = `test/round-trip/${this.#id}/${this.#roundTrips++}`;
    let back = false;
    await this.subscribe(channel, () => (back = true));
    await this.publish(channel);
    await this.until(() => back, 'a round trip');
    await this.unsubscribe(channel);
  }

  /** Breaks the connection off without a word; it comes back by itself. */
  breakOff(): void {
    this.#socket?.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
      socket.resume();
    });
  }

  #open(): void {
    const frames = new Frames();
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    socket.on('connect', () => {
      this.#connected = true;
      this.#connections++;
      for (const pattern of this.#handlers.keys()) this.#send('-control/subscribe', pattern);
      this.#happenings.happened();
    });
    socket.on('data', (chunk) => {
      for (const frame of frames.add(chunk)) this.#receive(frame);
      this.#happenings.happened();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#connected = false;
      this.#happenings.happened();
      // The behaviour of the peers, not a test that waits.
      if (!this.#closed) this.#retry = setTimeout(() => this.#open(), RECONNECT_DELAY);
    });
  }

  #send(channel: string, body?: unknown, head: Readonly<Record<string, unknown>> = {}): void {
    const message: ValueMap = new Map([
      ['head', fromJs({ ...head, channel })],
      ['body', fromJs(body)],
    ]);
    this.#socket?.write(`${write(message)}\0`);
  }

  #receive(bytes: Uint8Array): void {
    let message: Delivered;
    try {
      message = delivered(textOf(bytes));
    } catch (error) {
      this.complaints.push(`${String(error)}: ${Buffer.from(bytes).toString('latin1')}`);
      return;
    }
    this.delivered.push(message);
    for (const [pattern, handlers] of this.#handlers) {
      if (matches(pattern, message.channel)) for (const handler of [...handlers]) handler(message);
    }
  }
}

function delivered(text: string): Delivered {
  const message = read(text);
  if (!(message instanceof Map)) throw new TypeError('not an object');
  const head = message.get('head');
  if (!(head instanceof Map)) throw new TypeError('no head');
  const channel = head.get('channel');
  if (typeof channel !== 'string') throw new TypeError('no channel');
  // Where the peers' decoders break.
  if (head.has('self') || head.has('body')) throw new TypeError('a head key that no peer can take');
  if (typeof head.get('time') !== 'number' && typeof head.get('time') !== 'bigint') throw new TypeError('no time');
  return {
    text,
    channel,
    head: Object.fromEntries([...head].map(([key, value]) => [key, toJs(value)])),
    body: toJs(message.get('body')),
  };
}
