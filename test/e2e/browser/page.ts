// Runs in the page. What a test asks for is a method of `scene`; what happens there is told by `tell`.

import type { ClientOptions } from 'spoke/browser';
import { Client, MsgpackCodec, SpokeError } from 'spoke/browser';

/** Where a page finds the functions that the test has put there. */
interface Host {
  tell(event: PageEvent): void;
}

export interface PageEvent {
  readonly what: string;
  readonly value?: unknown;
}

export interface ConnectOptions {
  readonly url?: string;
  readonly codec?: 'msgpack';
  readonly reconnect?: false;
}

let client: Client | undefined;

function tell(what: string, value?: unknown): void {
  const host = globalThis as typeof globalThis & Host;
  host.tell({ what, value });
}

function connected(): Client {
  if (client === undefined) throw new Error('connect first');
  return client;
}

/** What can be told of a value: bytes as text, because they would arrive as an object. */
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? `bytes ${value.join(' ')}` : value;
}

const scene = {
  /** @returns the error's code, if it failed. */
  async connect({ codec, ...options }: ConnectOptions): Promise<string | undefined> {
    const all: ClientOptions = { ...options, ...(codec !== undefined && { codec: new MsgpackCodec() }) };
    client = new Client(all);
    client.on('state', (state) => tell('state', state));
    client.on('error', (error) => tell('error', error.message));
    try {
      await client.connect({ timeout: 8000 });
      return undefined;
    } catch (error) {
      return error instanceof SpokeError ? error.code : String(error);
    }
  },

  async defaultUrl(): Promise<string> {
    return new Client().url;
  },

  async subscribe(pattern: string): Promise<void> {
    await connected().subscribe(pattern, ({ channel, body }) => tell('message', { channel, body: plain(body) }));
  },

  async publish(channel: string, body: unknown): Promise<void> {
    await connected().publish(channel, body);
    await connected().flush();
  },

  async publishBytes(channel: string, bytes: readonly number[]): Promise<void> {
    await connected().publish(channel, Uint8Array.from(bytes));
  },

  async publishBigint(channel: string, digits: string): Promise<void> {
    await connected().publish(channel, BigInt(digits));
  },

  async call(name: string, argument: unknown): Promise<unknown> {
    return connected().call(name, argument);
  },

  async provideSquare(name: string): Promise<void> {
    await connected().provide(name, (n: number) => n * n);
  },

  async close(): Promise<void> {
    await client?.close();
  },

  /** What a policy without `unsafe-eval` forbids. */
  async evaluate(): Promise<string> {
    try {
      // oxlint-disable-next-line typescript/no-implied-eval -- to see it refused
      return String(new Function('return 1')());
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
  },

  async isSecureContext(): Promise<unknown> {
    return Reflect.get(globalThis, 'isSecureContext');
  },
};

export type Scene = typeof scene;

Object.assign(globalThis, { scene });
tell('ready');
