// Where a broker listens, and what holds for the connections of each endpoint. Limits follow those of the broker: whoever came in
// by a door looks at the limits of that door, and a reload writes new ones there.

import type { Connection, Limits, Listener, Logger } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import type { MakeOutbox, OutboundTotal, Turn } from '../link/index.js';
import { blockOutboxes } from '../link/index.js';
import type { ListenEndpoint, TransportRegistry } from '../transports/index.js';
import { formatAddress, listenUrl, parseAddress } from '../transports/index.js';
import { endpointLimits } from './endpoint-limits.js';
import { Places } from './places.js';

/** What holds for the connections of one endpoint. */
export interface Door {
  readonly limits: Limits;
  readonly places: Places;
  readonly makeOutbox: MakeOutbox;
}

export interface EndpointsParts {
  readonly transports: TransportRegistry;
  /** The broker's. */
  readonly limits: Limits;
  /** Of all endpoints together. */
  readonly places: Places;
  readonly turn: Turn;
  readonly total: OutboundTotal;
  readonly logger: Logger;
  /** Aborts when the broker closes. */
  readonly signal: AbortSignal;
  readonly accept: (connection: Connection, door: Door) => void;
}

interface Opened {
  readonly listener: Listener;
  readonly door: Door;
  /** Limits that are not the broker's. */
  own: Partial<Limits>;
}

/** A change that can fail no more. */
export interface PreparedChange {
  /** Has it hold, with the limits that the broker has by then. */
  apply(): Promise<void>;
}

/** All endpoints of one broker. */
export class Endpoints {
  readonly #parts: EndpointsParts;
  /** By the URL that was asked for, in the order in which they were opened. */
  readonly #opened = new Map<string, Opened>();

  constructor(parts: EndpointsParts) {
    this.#parts = parts;
  }

  /** Where they can be reached, with the ports that were really taken. */
  get addresses(): readonly string[] {
    return Array.from(this.#opened.values(), ({ listener }) => listener.address);
  }

  /** @returns where it can be reached. @throws as `Broker.listen`. */
  async open(endpoint: ListenEndpoint): Promise<string> {
    const { transports, signal, logger, accept } = this.#parts;
    const own = ownOf(endpoint);
    const door = this.#door(own);
    const url = urlOf(endpoint);
    const address = parseAddress(url);
    const transport = transports.find(url);
    this.#requireOpen();
    let listener;
    try {
      listener = await transport.listen(address, (connection) => accept(connection, door), {
        signal,
        limits: door.limits,
        onError: (error) => logger.warn({ err: error, endpoint: url }, 'a connection could not be accepted'),
      });
    } catch (error) {
      // What was closed meanwhile failed for that reason, whatever the transport says.
      this.#requireOpen();
      throw error;
    }
    if (signal.aborted) await listener.close();
    this.#requireOpen();
    // Port 0 may be asked for more than once.
    this.#opened.set(this.#opened.has(url) ? listener.address : url, { listener, door, own });
    logger.info({ endpoint: listener.address }, 'listening');
    return listener.address;
  }

  /**
   * Reads certificates again, and opens what is not open yet.
   * @param wanted - all endpoints there are to be. `undefined`: those of now.
   * @param limits - those that the broker will have.
   * @throws as `open`; then nothing has changed.
   */
  async prepare(wanted: readonly ListenEndpoint[] | undefined, limits: Limits): Promise<PreparedChange> {
    const before = [...this.#opened];
    const named = wanted?.map((endpoint) => ({ url: urlOf(endpoint), own: ownOf(endpoint) }));
    for (const { own } of named ?? before.map(([, opened]) => opened)) endpointLimits(limits, own);
    for (const { url } of named ?? []) this.#requireFree(url);
    const fresh: string[] = [];
    try {
      for (const [, { listener }] of before) await listener.reload?.();
      for (const one of named ?? []) {
        if (this.#opened.has(one.url)) continue;
        await this.open({ url: one.url });
        fresh.push(one.url);
      }
    } catch (error) {
      for (const url of fresh) await this.#shut(url);
      throw error;
    }
    return {
      apply: async () => {
        for (const { url, own } of named ?? []) {
          const opened = this.#opened.get(url);
          if (opened !== undefined) opened.own = own;
        }
        for (const { door, own } of this.#opened.values()) {
          Object.assign(door.limits, endpointLimits(this.#parts.limits, own));
        }
        if (named === undefined) return;
        for (const [url] of before) if (!named.some((one) => one.url === url)) await this.#shut(url);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#opened.values(), ({ listener }) => listener.close()));
  }

  async #shut(url: string): Promise<void> {
    const opened = this.#opened.get(url);
    this.#opened.delete(url);
    await opened?.listener.close();
  }

  #door(own: Partial<Limits>): Door {
    const { limits: all, places, turn, total } = this.#parts;
    const limits = endpointLimits(all, own);
    return { limits, places: new Places(limits, places), makeOutbox: blockOutboxes(turn, limits, total) };
  }

  // The socket is one, and has its options already.
  #requireFree(url: string): void {
    if (this.#opened.has(url) || parseAddress(url).port === 0) return;
    for (const open of this.#opened.keys()) {
      if (placeOf(open) !== placeOf(url)) continue;
      const text = `${url}: it is open with other options, and to change these needs a restart (the files that they name are read again)`;
      throw new SpokeError('ADDRESS_IN_USE', text, { details: { address: url } });
    }
  }

  #requireOpen(): void {
    if (this.#parts.signal.aborted) throw new SpokeError('CLOSED', 'this broker was closed; make a new one');
  }
}

function urlOf(endpoint: ListenEndpoint): string {
  return listenUrl(endpoint, process.env);
}

function ownOf(endpoint: ListenEndpoint): Partial<Limits> {
  return typeof endpoint === 'string' ? {} : (endpoint.limits ?? {});
}

/** What two URLs of one endpoint have in common. */
function placeOf(url: string): string {
  return formatAddress({ ...parseAddress(url), params: new Map() });
}
