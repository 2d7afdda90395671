// A connection without a mind of its own: tests say what it sends, byte for byte, and read what it got.

import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { Frames, textOf } from './frames.js';
import type { Value } from './json.js';
import { read, write } from './json.js';
import { Happenings, within } from './until.js';

/** Anything that carries bytes both ways. */
export interface Wire {
  write(bytes: Uint8Array): void;
  /** Called once, before anything arrives. */
  start(handlers: { data(chunk: Uint8Array): void; end(): void }): void;
  /** Ends in good order. */
  end(): void;
  /** Breaks off. */
  reset(): void;
}

/** A raw TCP connection. */
export async function tcpWire(port: number): Promise<Wire> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    }),
    () => `a connection to port ${port}`,
  );
  socket.on('error', () => {});
  return {
    write: (bytes) => void socket.write(bytes),
    start(handlers) {
      socket.on('data', (chunk) => handlers.data(chunk));
      socket.on('close', () => handlers.end());
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
  };
}

const PREFIX = 'test/raw-round-trip/';
let peers = 0;

export class RawPeer {
  /** The messages it got, as text without the NUL and in order; those of round trips, its own or others', left out. */
  readonly messages: string[] = [];
  /** Frames that no peer could have read. */
  readonly complaints: string[] = [];
  readonly #wire: Wire;
  readonly #channel = `${PREFIX}${++peers}`;
  readonly #frames = new Frames();
  readonly #happenings = new Happenings();
  #subscribed = false;
  #trips = 0;
  #returned = 0;
  #ended = false;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.start({
      data: (chunk) => {
        for (const frame of this.#frames.add(chunk)) this.#receive(frame);
        this.#happenings.happened();
      },
      end: () => {
        this.#ended = true;
        this.#happenings.happened();
      },
    });
  }

  static async tcp(port: number): Promise<RawPeer> {
    return new RawPeer(await tcpWire(port));
  }

  /** Whether the connection is over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Sends these bytes, no more. */
  send(bytes: string | Uint8Array): void {
    this.#wire.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  /** Sends messages as they are written in the protocol page, each with its NUL. */
  sendJson(...messages: Value[]): void {
    this.send(messages.map((message) => `${write(message)}\0`).join(''));
  }

  subscribe(pattern: string): void {
    this.send(`{"head": {"channel": "-control/subscribe"}, "body": ${write(pattern)}}\0`);
  }

  publish(channel: string, body: Value = null): void {
    this.send(`{"head": {"channel": ${write(channel)}}, "body": ${write(body)}}\0`);
  }

  /** Resolves when the broker has handled everything sent before, and all it sent to this connection in answer is here. */
  async roundTrip(): Promise<void> {
    if (!this.#subscribed) {
      this.#subscribed = true;
      this.send(`{"head": {"bounce": false, "channel": "-control/subscribe"}, "body": "${this.#channel}"}\0`);
    }
    const number = ++this.#trips;
    this.publish(this.#channel, BigInt(number));
    await this.until(() => this.#returned >= number || this.#ended, 'a round trip');
    if (this.#ended) throw new Error('the connection ended during a round trip');
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    await this.#happenings.until(condition, () => `${what}; got: ${this.messages.join('  ').slice(0, 2000)}`);
  }

  async end(): Promise<void> {
    this.#wire.end();
    await this.until(() => this.#ended, 'the end of the connection');
  }

  async reset(): Promise<void> {
    this.#wire.reset();
    await this.until(() => this.#ended, 'the end of the connection');
  }

  #receive(bytes: Uint8Array): void {
    let message: Value;
    let text: string;
    try {
      text = textOf(bytes);
      message = read(text);
    } catch (error) {
      this.complaints.push(`${String(error)}: ${Buffer.from(bytes).toString('latin1')}`);
      return;
    }
    const [channel, body] = channelAndBody(message);
    if (channel === this.#channel) this.#returned = Number(body);
    const subscription = channel.startsWith('-control/') && typeof body === 'string' ? body : '';
    const ofRoundTrip = channel.startsWith(PREFIX) || subscription.startsWith(PREFIX);
    if (!ofRoundTrip) this.messages.push(text);
  }
}

function channelAndBody(message: Value): [string, Value] {
  const head = message instanceof Map ? message.get('head') : undefined;
  const channel = head instanceof Map ? head.get('channel') : undefined;
  const body = message instanceof Map ? message.get('body') : undefined;
  return [typeof channel === 'string' ? channel : '', body ?? null];
}
