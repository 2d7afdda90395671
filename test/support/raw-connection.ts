// A connection without a client: bytes out, bytes in, as another program would send and see them.

import type { CloseReason, Connection, Transport } from '../../src/contracts/index.js';
import { SpokeError, withDefaults } from '../../src/contracts/index.js';
import { parseAddress } from '../../src/transports/index.js';
import { Collector } from './collector.js';
import { within } from './within.js';

/** A message as JSON on the wire says it. */
export interface WireMessage {
  readonly head: { readonly channel: string; readonly time?: number; readonly [key: string]: unknown };
  readonly body: unknown;
}

/** Speaks JSON and NUL, unless bytes are sent that say otherwise. */
export class RawConnection {
  readonly connection: Connection;
  /** Received texts, each without its NUL. */
  readonly frames = new Collector<string>('frames');
  /** All bytes received. */
  receivedBytes = 0;
  readonly #close = new Collector<CloseReason>('end of the connection');
  #unfinished: Buffer[] = [];

  private constructor(connection: Connection) {
    this.connection = connection;
    connection.start({ data: (chunk) => this.#data(chunk), drain() {}, close: this.#close.add });
  }

  static async open(transport: Transport, url: string): Promise<RawConnection> {
    return new RawConnection(await transport.connect(parseAddress(url), { limits: withDefaults() }));
  }

  send(bytes: string | Uint8Array): void {
    this.connection.send(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  /** Sends a message as the peers lay it out; the body is JSON text. */
  publish(channel: string, body = 'null', head: Readonly<Record<string, unknown>> = {}): void {
    this.send(`{"head": ${JSON.stringify({ channel, ...head })}, "body": ${body}}\0`);
  }

  subscribe(pattern: string): void {
    this.publish('-control/subscribe', JSON.stringify(pattern), { bounce: false });
  }

  unsubscribe(pattern: string): void {
    this.publish('-control/unsubscribe', JSON.stringify(pattern), { bounce: false });
  }

  /** Resolves when the broker has handled all this sent: what was sent to itself came back. */
  async flush(): Promise<string[]> {
    const marker = `flush/${crypto.randomUUID()}`;
    this.subscribe(marker);
    this.publish(marker);
    const frames = await this.frames.takeUntil((frame) => frame.includes(marker));
    this.unsubscribe(marker);
    return frames.slice(0, -1);
  }

  /** The next message. */
  async next(): Promise<WireMessage> {
    return parse(await this.frames.next());
  }

  async take(count: number, milliseconds?: number): Promise<WireMessage[]> {
    return (await this.frames.take(count, milliseconds)).map(parse);
  }

  /** Resolves with the reason when the connection has ended. */
  async closed(): Promise<CloseReason> {
    return this.#close.next();
  }

  get isClosed(): boolean {
    return this.#close.items.length > 0;
  }

  /** Ends it in good order. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.connection.close();
    await within(this.closed(), 'the end of a raw connection');
  }

  /** Breaks it. */
  cut(): void {
    this.connection.abort(new SpokeError('CONNECTION_LOST', 'cut by the test'));
  }

  #data(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      this.frames.add(Buffer.concat([...this.#unfinished, rest.subarray(0, end)]).toString());
      this.#unfinished = [];
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) this.#unfinished.push(rest);
  }
}

export function parse(frame: string): WireMessage {
  const message: WireMessage = JSON.parse(frame);
  return message;
}
