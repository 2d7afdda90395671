import { afterEach, describe, expect, it } from '@jest/globals';
import { Container } from 'inversify';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { Broker } from '../../../src/broker/index.js';
import { JsonCodec } from '../../../src/codecs/index.js';
import type {
  Address,
  Authenticator,
  Authorizer,
  Codec,
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  Logger,
  Transport,
} from '../../../src/contracts/index.js';
import { DEFAULT_LIMITS, silentLogger, SpokeError } from '../../../src/contracts/index.js';
import { createContainer, spokeModule, TOKENS } from '../../../src/di/index.js';
import type { SpokeOptions } from '../../../src/di/index.js';
import { systemClock } from '../../../src/link/index.js';
import { Client } from '../../../src/node/index.js';
import { RpcService } from '../../../src/rpc/index.js';
import { MemoryStore } from '../../../src/stores/index.js';
import { MemoryTransport } from '../../../src/transports/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { within } from '../../support/within.js';

const HOME: SpokeOptions = { listen: 'memory://home', url: 'memory://home', timeout: 5000 };

const containers: Container[] = [];
afterEach(async () => {
  for (const container of containers.splice(0)) await container.unbindAllAsync();
});

function containerWith(options: SpokeOptions = HOME): Container {
  const container = createContainer(options);
  containers.push(container);
  return container;
}

function emptyContainer(...given: ConstructorParameters<typeof Container>): Container {
  const container = new Container(...given);
  containers.push(container);
  return container;
}

/** A user's own transport: a network of its own inside the process, under another scheme. */
class SerialPortTransport implements Transport {
  readonly schemes = ['serial'];
  readonly opened: string[] = [];
  readonly #wire = new MemoryTransport();

  async connect(address: Address, options: ConnectOptions): Promise<Connection> {
    this.opened.push(`connect ${address.href}`);
    return this.#wire.connect(onMemory(address), options);
  }

  async listen(
    address: Address,
    onConnection: (connection: Connection) => void,
    options: ListenOptions,
  ): Promise<Listener> {
    this.opened.push(`listen ${address.href}`);
    return this.#wire.listen(onMemory(address), onConnection, options);
  }
}

const onMemory = (address: Address): Address => ({ ...address, scheme: 'memory' });

/** JSON under another name. */
function otherCodec(encoding: (channel: string) => void = () => {}): Codec {
  const json = new JsonCodec();
  return {
    name: 'other',
    framing: json.framing,
    recognizes: (first) => json.recognizes(first),
    createReader: (limits) => json.createReader(limits),
    forward: (view, time, sink, id) => json.forward(view, time, sink, id),
    forwardWith: (head, view, sink) => json.forwardWith(head, view, sink),
    encode(head, body, sink) {
      encoding(head.channel);
      return json.encode(head, body, sink);
    },
    decodeBody: (view) => json.decodeBody(view),
  };
}

class RecordingStore extends MemoryStore {
  readonly calls: string[] = [];

  override async open(): Promise<void> {
    this.calls.push('open');
  }

  override async close(): Promise<void> {
    this.calls.push('close');
    await super.close();
  }
}

function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const log = (_fields: object, text: string) => void lines.push(text);
  return { lines, debug: log, info: log, warn: log, error: log };
}

async function takenPort(): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, free: async () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await within(promise, 'the rejection');
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('a container made by createContainer', () => {
  it('gives a broker that listens, a client that is connected, and its remote calls', async () => {
    const container = containerWith();
    const broker = await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    const rpc = await container.getAsync(RpcService);

    expect(broker.addresses).toEqual(['memory://home']);
    expect(client.state).toBe('connected');
    expect(rpc).toBe(client.rpc);
    await rpc.provide('square', (x: number) => x * x);
    expect(await rpc.call('square', 3)).toBe(9);
  });

  it('gives the same broker and client to everyone who asks, also at the same time', async () => {
    const container = containerWith();
    const [one, other] = await Promise.all([container.getAsync(Broker), container.getAsync(Broker)]);
    expect(other).toBe(one);
    expect(await container.getAsync(Client)).toBe(await container.getAsync(Client));
    // Once started, without waiting.
    expect(container.get(Broker)).toBe(one);
    expect(container.get(RpcService)).toBe(container.get(Client).rpc);
  });

  it('opens nothing before it is asked for', async () => {
    const container = containerWith();
    const [transport] = container.getAll(TOKENS.Transport).filter(({ schemes }) => schemes.includes('memory'));
    const alone = new Client({
      url: 'memory://home',
      transports: [transport!],
      codec: new JsonCodec(),
      reconnect: false,
    });
    expect(await failureOf(alone.connect())).toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('lets a client be asked for before the broker it connects to', async () => {
    const container = containerWith({ ...HOME, reconnect: { minDelay: 1, maxDelay: 5 } });
    const client = container.getAsync(Client);
    await container.getAsync(Broker);
    expect((await client).state).toBe('connected');
  });

  it('serves TCP and memory unless told otherwise', async () => {
    const container = containerWith({ ...HOME, listen: ['tcp://127.0.0.1:0', 'memory://home'] });
    const broker = await container.getAsync(Broker);
    const [tcp] = broker.addresses;
    const remote = new Client({ url: tcp! });
    await remote.connect({ timeout: 5000 });
    const client = await container.getAsync(Client);
    const received = new Promise((resolve) => void client.subscribe('a', ({ body }) => resolve(body)));
    await client.flush();
    await remote.publish('a', 1);
    expect(await within(received, 'the message')).toBe(1);
    await remote.close();
  });

  it('gives every part that can be had by its token', () => {
    const container = containerWith({ ...HOME, limits: { messageBytes: 1000 } });
    expect(container.getAll(TOKENS.Codec).map(({ name }) => name)).toContain('json');
    expect(container.get(TOKENS.ClientCodec).name).toBe('json');
    expect(container.get(TOKENS.MessageStore)).toBeInstanceOf(MemoryStore);
    expect(container.get(TOKENS.Limits)).toEqual({ ...DEFAULT_LIMITS, messageBytes: 1000 });
    expect(container.get(TOKENS.Logger)).toBe(silentLogger);
    expect(container.get(TOKENS.Clock)).toBe(systemClock);
    expect(container.get(TOKENS.Options)).toMatchObject({ url: 'memory://home' });
    expect(container.isBound(TOKENS.Authenticator)).toBe(false);
    expect(container.isBound(TOKENS.Authorizer)).toBe(false);
  });

  it('holds several brokers in one process apart', async () => {
    const [one, other] = [containerWith(), containerWith()];
    expect(await one.getAsync(Broker)).not.toBe(await other.getAsync(Broker));
    const client = await other.getAsync(Client);
    const seen: string[] = [];
    await client.subscribe('**', ({ channel }) => seen.push(channel));
    await (await one.getAsync(Client)).publish('one');
    await (await one.getAsync(Client)).flush();
    await client.publish('other');
    await client.flush();
    expect(seen).toContain('other');
    expect(seen).not.toContain('one');
  });
});

describe('the module in the container of an application', () => {
  it('leaves the bindings of the application alone, and can be injected into them', async () => {
    class Thermometer {
      constructor(readonly client: Client) {}
    }
    const container = emptyContainer();
    container.bind('title').toConstantValue('my application');
    container.load(spokeModule(HOME));
    container.bind(Thermometer).toResolvedValue((client: Client) => new Thermometer(client), [Client]);
    await container.getAsync(Broker);
    const thermometer = await container.getAsync(Thermometer);
    expect(thermometer.client).toBe(await container.getAsync(Client));
    expect(container.get('title')).toBe('my application');
  });

  it('leaves them alone when it is unloaded, and can be loaded again', async () => {
    const container = emptyContainer();
    container.bind('title').toConstantValue('my application');
    const module = spokeModule(HOME);
    container.load(module);
    const first = await container.getAsync(Broker);
    await container.unloadAsync(module);

    expect(container.get('title')).toBe('my application');
    expect(container.isBound(Broker)).toBe(false);
    expect(container.isBound(TOKENS.Transport)).toBe(false);
    container.load(module);
    const second = await container.getAsync(Broker);
    expect(second).not.toBe(first);
    expect(second.addresses).toEqual(['memory://home']);
  });

  it('takes parts that were bound before it', async () => {
    const logger = recordingLogger();
    const container = emptyContainer();
    container.bind(TOKENS.Logger).toConstantValue(logger);
    container.load(spokeModule(HOME));
    await container.getAsync(Broker);
    expect(logger.lines).toContain('listening');
  });

  it('works in a container whose bindings are singletons by default', async () => {
    const container = emptyContainer({ defaultScope: 'Singleton' });
    container.load(spokeModule({ listen: 'nowhere://x' }));
    await expect(container.getAsync(Broker)).rejects.toMatchObject({ code: 'UNKNOWN_SCHEME' });
    await container.unbindAllAsync();
  });

  it('takes what children share from their parent', async () => {
    const parent = emptyContainer();
    const logger = recordingLogger();
    parent.bind(TOKENS.Logger).toConstantValue(logger);
    parent.bind(TOKENS.Transport).to(SerialPortTransport).inSingletonScope();
    const children = [emptyContainer({ parent }), emptyContainer({ parent })];
    for (const [index, child] of children.entries()) {
      child.load(spokeModule({ listen: [`serial://port/${index}`, 'memory://home'], url: `serial://port/${index}` }));
      await child.getAsync(Broker);
      await child.getAsync(Client);
    }
    expect(logger.lines.filter((line) => line === 'listening')).toHaveLength(4);
    expect(children[0]!.get(Broker)).not.toBe(children[1]!.get(Broker));
    for (const child of children) await child.unbindAllAsync();
  });

  it('says so when it is loaded twice', () => {
    const container = containerWith();
    expect(() => container.load(spokeModule(HOME))).toThrow(TypeError);
    expect(() => emptyContainer({ parent: container }).load(spokeModule(HOME))).toThrow(/already/);
  });
});

describe('parts of the user', () => {
  it('finds a transport by its URL scheme, for broker and client alike', async () => {
    const container = containerWith({ listen: 'serial://dev/ttyUSB0', url: 'serial://dev/ttyUSB0' });
    container.bind(TOKENS.Transport).to(SerialPortTransport).inSingletonScope();
    await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    await client.flush({ timeout: 5000 });
    const transport = container.getAll(TOKENS.Transport).find((one) => one instanceof SerialPortTransport);
    expect(transport?.opened).toEqual(['listen serial://dev/ttyUSB0', 'connect serial://dev/ttyUSB0']);
  });

  it('refuses two transports of one scheme', async () => {
    const container = containerWith();
    container.bind(TOKENS.Transport).to(MemoryTransport);
    for (const service of [Broker, Client]) {
      const error = await failureOf(container.getAsync<unknown>(service));
      expect(error).toBeInstanceOf(SpokeError);
      expect(error).toMatchObject({ code: 'DUPLICATE', details: { scheme: 'memory' } });
    }
  });

  it('replaces all transports by one rebinding', async () => {
    const container = containerWith();
    container.rebind(TOKENS.Transport).to(SerialPortTransport).inSingletonScope();
    await expect(container.getAsync(Broker)).rejects.toMatchObject({ code: 'UNKNOWN_SCHEME' });
  });

  it('speaks a codec that was added, when the options name it', async () => {
    const container = containerWith({ ...HOME, codec: 'other' });
    const codec = otherCodec();
    container.rebind(TOKENS.Codec).toConstantValue(codec);
    expect(container.get(TOKENS.ClientCodec)).toBe(codec);
    await container.getAsync(Broker);
    await (await container.getAsync(Client)).flush({ timeout: 5000 });
  });

  it('speaks the codec that is bound for the client', async () => {
    const container = containerWith();
    const encoded: string[] = [];
    const codec = otherCodec((channel) => encoded.push(channel));
    container.rebind(TOKENS.ClientCodec).toConstantValue(codec);
    await container.getAsync(Broker);
    await (await container.getAsync(Client)).publish('a');
    expect(encoded).toContain('a');
  });

  it('tells which codecs there are when the options name another', async () => {
    const container = containerWith({ ...HOME, codec: 'morse' });
    const error = await failureOf(container.getAsync(Client));
    expect(error).toMatchObject({ code: 'UNKNOWN_CODEC', message: expect.stringContaining('json') });
  });

  it('keeps messages in the store that is bound, opens it and closes it', async () => {
    const container = containerWith();
    const store = new RecordingStore();
    container.rebind(TOKENS.MessageStore).toConstantValue(store);
    await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    await client.publish('kept', 1, { persist: true });
    await client.flush({ timeout: 5000 });
    expect(store.get('kept')?.channel).toBe('kept');
    await container.unbindAllAsync();
    expect(store.calls).toEqual(['open', 'close']);
  });

  it('logs to the logger that is bound in place of the silent one', async () => {
    const container = containerWith();
    const logger = recordingLogger();
    container.rebind(TOKENS.Logger).toConstantValue(logger);
    await container.getAsync(Broker);
    await container.unbindAllAsync();
    expect(logger.lines).toEqual(['listening', 'closed']);
  });

  it('holds to the limits of the options, or to those that are bound', async () => {
    const container = containerWith({ ...HOME, limits: { messageBytes: 1000 } });
    await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    await expect(client.publish('big', 'x'.repeat(1000))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });

    const other = containerWith();
    other.rebind(TOKENS.Limits).toConstantValue({ ...DEFAULT_LIMITS, messageBytes: 100 });
    await other.getAsync(Broker);
    const narrow = await other.getAsync(Client);
    await expect(narrow.publish('big', 'x'.repeat(100))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('asks an authenticator and an authorizer as soon as there are some', async () => {
    const container = containerWith();
    const asked: string[] = [];
    const authenticator: Authenticator = {
      authenticate(peer) {
        asked.push(peer.address);
        return { name: 'me' };
      },
    };
    const authorizer: Authorizer = {
      allows: ({ name }, action, target) => `${name} ${action} ${target}` !== 'me publish no',
    };
    container.bind(TOKENS.Authenticator).toConstantValue(authenticator);
    container.bind(TOKENS.Authorizer).toConstantValue(authorizer);
    const broker = await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    const refused = new Promise<SpokeError>((resolve) => client.on('error', resolve));
    await client.publish('no');
    expect(await within(refused, 'the refusal')).toMatchObject({ code: 'FORBIDDEN' });
    expect(asked).toHaveLength(1);
    expect(broker.stats.refused).toBe(1);
  });

  it('says so when a part needs the broker that needs the part', async () => {
    const container = containerWith();
    container
      .bind(TOKENS.Authorizer)
      .toResolvedValue((broker: Broker) => ({ allows: () => broker.stats.connections < 3 }), [Broker]);
    await expect(container.getAsync(Broker)).rejects.toThrow(/circular/i);
  });
});

describe('the end of a container', () => {
  it('closes client and broker, and leaves no timer behind', async () => {
    const clock = new VirtualClock();
    const container = containerWith({ ...HOME, listen: ['memory://home', 'tcp://127.0.0.1:0'] });
    container.rebind(TOKENS.Clock).toConstantValue(clock);
    const broker = await container.getAsync(Broker);
    const client = await container.getAsync(Client);
    const [, tcp] = broker.addresses;
    await container.unbindAllAsync();

    expect(client.state).toBe('closed');
    expect(broker.stats).toMatchObject({ connections: 0, subscriptions: 0, outboundBytes: 0 });
    expect(clock.timers).toBe(0);
    const late = new Client({ url: tcp!, reconnect: false });
    expect(await failureOf(late.connect())).toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('may come before anything was started, and twice', async () => {
    const container = containerWith();
    await container.unbindAllAsync();
    await container.unbindAllAsync();
    expect(container.isBound(Broker)).toBe(false);
  });

  it('ends a client that still waits for its first connection', async () => {
    const container = containerWith({ url: 'memory://nobody' });
    const waiting = failureOf(container.getAsync(Client));
    await within(container.unbindAllAsync(), 'the end');
    expect(await waiting).toMatchObject({ code: 'CLOSED' });
  });

  it('ends a broker that is just starting', async () => {
    const container = containerWith({ listen: ['memory://a', 'memory://b'] });
    const starting = failureOf(container.getAsync(Broker));
    await within(container.unbindAllAsync(), 'the end');
    expect(await starting).toBeInstanceOf(SpokeError);
  });

  it('refuses to happen synchronously once something was started, and then still can', async () => {
    const container = containerWith();
    const broker = await container.getAsync(Broker);
    expect(() => container.unbindAll()).toThrow(/unbindAllAsync/);
    await container.unbindAllAsync();
    await expect(broker.listen('memory://more')).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a start that fails', () => {
  it('is the rejection of getAsync, and leaves nothing behind', async () => {
    const { port, free } = await takenPort();
    const store = new RecordingStore();
    const network = new MemoryTransport();
    const container = containerWith({ listen: ['memory://first', `tcp://127.0.0.1:${port}`] });
    const defaults = container.getAll(TOKENS.Transport).filter(({ schemes }) => !schemes.includes('memory'));
    container.unbind(TOKENS.Transport);
    for (const transport of [...defaults, network]) container.bind(TOKENS.Transport).toConstantValue(transport);
    container.rebind(TOKENS.MessageStore).toConstantValue(store);

    expect(await failureOf(container.getAsync(Broker))).toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect(store.calls).toEqual(['open', 'close']);
    // The endpoint that did open is free again.
    const other = await Broker.start({ listen: 'memory://first', transports: [network] });
    await other.close();
    await free();
  });

  it('is remembered, does not hinder the end, and can be tried again by loading the module again', async () => {
    const { port, free } = await takenPort();
    const container = emptyContainer();
    const module = spokeModule({ listen: `tcp://127.0.0.1:${port}` });
    container.load(module);
    const first = await failureOf(container.getAsync(Broker));
    expect(first).toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect(await failureOf(container.getAsync(Broker))).toBe(first);

    await free();
    await container.unloadAsync(module);
    container.load(module);
    expect((await container.getAsync(Broker)).addresses).toEqual([`tcp://127.0.0.1:${port}`]);
  });

  it('of a client is a TIMEOUT when the options say how long to try', async () => {
    const container = containerWith({ url: 'memory://nobody', timeout: 20 });
    expect(await failureOf(container.getAsync(RpcService))).toMatchObject({ code: 'TIMEOUT' });
    expect(await failureOf(container.getAsync(Client))).toMatchObject({ code: 'TIMEOUT' });
  });

  it('does not end the process when a synchronous get has dropped its promise', async () => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', listener);
    try {
      const container = containerWith({ listen: 'nowhere://x' });
      expect(() => container.get(Broker)).toThrow();
      expect(await failureOf(container.getAsync(Broker))).toMatchObject({ code: 'UNKNOWN_SCHEME' });
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', listener);
    }
    expect(unhandled).toEqual([]);
  });
});

describe('the url of the client', () => {
  it('may be host and port, as everywhere', async () => {
    const container = createContainer({ listen: { host: '127.0.0.1', port: 0 } });
    const broker = await container.getAsync(Broker);
    const port = Number(broker.addresses[0]?.split(':').at(-1));
    const other = createContainer({ url: { host: '127.0.0.1', port }, heartbeat: false, timeout: 5000 });
    try {
      expect((await other.getAsync(Client)).url).toBe(`tcp://127.0.0.1:${port}`);
    } finally {
      await other.unbindAllAsync();
      await container.unbindAllAsync();
    }
  });
});

describe('wrong options', () => {
  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['no object', 'tcp://:7181', /options must be/],
    ['a list', [], /options must be/],
    ['an option that does not exist', { lissten: [] }, /options\.lissten.*listen/],
    ['a port as listen', { listen: 7181 }, /options\.listen must be a URL/],
    ['an endpoint of another type in a list', { listen: ['tcp://:1', null] }, /options\.listen\[1\]/],
    ['an endpoint with another key', { listen: { adress: 'x' } }, /options\.listen\.adress/],
    ['a port as text', { listen: { port: '7181' } }, /options\.listen\.port/],
    ['a host as number', { listen: { host: 1 } }, /options\.listen\.host/],
    ['an empty url', { url: '' }, /options\.url/],
    ['a url of host and something else', { url: { host: 'a', prot: 1 } }, /options\.url\.prot/],
    ['a heartbeat that is neither false nor a time', { heartbeat: true }, /options\.heartbeat/],
    ['a codec that is no name', { codec: new JsonCodec() }, /options\.codec/],
    ['reconnect: true', { reconnect: true }, /options\.reconnect/],
    ['a negative timeout', { timeout: -1 }, /options\.timeout/],
    ['a timeout as text', { callTimeout: '1000' }, /options\.callTimeout/],
    ['no number', { closeTimeout: Number.NaN }, /options\.closeTimeout/],
    ['limits that are none', { limits: 5 }, /options\.limits/],
    ['a limit that does not exist', { limits: { messages: 5 } }, /limits\.messages/],
    ['a limit of zero', { limits: { messageBytes: 0 } }, /limits\.messageBytes/],
  ];
  it.each(wrong)('are a TypeError that names the option: %s', (_, options, text) => {
    const make = () => spokeModule(options as SpokeOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(text);
  });

  it('that were bound later are one as well', async () => {
    const container = containerWith();
    container.rebind(TOKENS.Options).toConstantValue({ listen: 7181 } as unknown as SpokeOptions);
    expect(await failureOf(container.getAsync(Broker))).toBeInstanceOf(TypeError);
  });

  it('are not: undefined for an option that is left out, and waiting for nothing', () => {
    expect(() => createContainer({ closeTimeout: 0, callTimeout: Infinity })).not.toThrow();
    expect(() => spokeModule({ url: undefined } as unknown as SpokeOptions)).not.toThrow();
  });
});
