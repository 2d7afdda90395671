// What a test of the suite plays on: one endpoint, connections to it, and the certainty that all is gone afterwards.

import assert from 'node:assert/strict';
import type { Connection, ConnectOptions, Listener, ListenOptions, Transport } from '../../contracts/index.js';
import { DEFAULT_LIMITS, SpokeError } from '../../contracts/index.js';
import { parseAddress } from '../../transports/index.js';
import type { Reactions } from './end.js';
import { End } from './end.js';
import { soon, Watch } from './watch.js';

/** What the suite is told about a transport. Made afresh for every test. */
export interface TransportSetup {
  /** Listens; connects as well, unless `connecting` is given. */
  readonly transport: Transport;
  /** For a transport whose two sides are different classes. */
  readonly connecting?: Transport;
  /** Where a listener may be opened: another place each time, e.g. `tcp://127.0.0.1:0`, `memory://suite-1`. */
  newUrl(): string;
  /** Ends what the setup itself began. */
  close?(): void | Promise<void>;
}

export type MakeSetup = () => TransportSetup | Promise<TransportSetup>;

/** The `describe` and `it` of jest, vitest, mocha, node:test and others. */
export interface Runner {
  describe(name: string, define: () => void): unknown;
  it(name: string, run: () => Promise<void>): unknown;
}

/** Both ends of one connection. */
export interface Pair {
  readonly client: End;
  readonly server: End;
  readonly listener: Listener;
}

const ROUND_TRIPS = 50;

/** Defines one test that plays on a stage of its own. */
export type Scenario = (sentence: string, play: (stage: Stage) => Promise<void>) => void;

export function scenarios(runner: Runner, makeSetup: MakeSetup): Scenario {
  return (sentence, play) => {
    runner.it(sentence, async () => {
      const stage = new Stage(await makeSetup());
      try {
        await play(stage);
        stage.requireNoViolations();
      } finally {
        await stage.close();
      }
      // Again: the end must keep the rules as well.
      stage.requireNoViolations();
    });
  };
}

/** An endpoint and what to do with the connections it accepts. */
export interface Accepting extends Reactions {
  /** Do not start the accepted connections. */
  readonly manual?: boolean;
  readonly onConnection?: (connection: Connection) => void;
  readonly onError?: ListenOptions['onError'];
  readonly url?: string;
}

export class Stage {
  readonly setup: TransportSetup;
  /** All accepted connections, in order. */
  readonly accepted: End[] = [];
  readonly #watch = new Watch();
  readonly #ends: End[] = [];
  readonly #listeners: Listener[] = [];
  #elsewhere: End | undefined;

  constructor(setup: TransportSetup) {
    this.setup = setup;
  }

  async listen(accepting: Accepting = {}, signal?: AbortSignal): Promise<Listener> {
    const onConnection = (connection: Connection) => {
      const server = this.#end(connection, `server ${this.accepted.length + 1}`, accepting);
      this.accepted.push(server);
      // The test's own look at it, which may throw.
      accepting.onConnection?.(connection);
      if (!accepting.manual) server.start();
      this.#watch.changed();
    };
    const options: ListenOptions = {
      limits: DEFAULT_LIMITS,
      ...(signal !== undefined && { signal }),
      ...(accepting.onError !== undefined && { onError: accepting.onError }),
    };
    const address = parseAddress(accepting.url ?? this.setup.newUrl());
    const listener = await soon('listen', this.setup.transport.listen(address, onConnection, options));
    this.#listeners.push(listener);
    return listener;
  }

  /** Connects; the end is not started. */
  async connect(listener: Pick<Listener, 'address'>, reactions: Reactions = {}, signal?: AbortSignal): Promise<End> {
    const options: ConnectOptions = { limits: DEFAULT_LIMITS, ...(signal !== undefined && { signal }) };
    const transport = this.setup.connecting ?? this.setup.transport;
    const connection = await soon('connect', transport.connect(parseAddress(listener.address), options));
    const clients = this.#ends.length - this.accepted.length;
    return this.#end(connection, `client ${clients + 1}`, reactions);
  }

  /** An endpoint with one connection: the client is not started, the server is, unless `manual`. */
  async pair(client: Reactions = {}, server: Accepting = {}): Promise<Pair> {
    return this.#pairOn(await this.listen(server), client);
  }

  /** One more connection to the same endpoint. */
  async pairAgain(client: Reactions = {}): Promise<Pair> {
    const listener = this.#listeners.at(-1);
    assert(listener, 'pair() comes first');
    return this.#pairOn(listener, client);
  }

  /**
   * Lets the world go on without sleeping: messages go to and fro on another connection. What has not happened after that
   * many turns of the event loop does not happen.
   */
  async letTimePass(): Promise<void> {
    this.#elsewhere ??= await this.#openElsewhere();
    const end = this.#elsewhere;
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      const { receivedBytes } = end;
      end.send(Uint8Array.of(trip));
      await end.until('has its echo', () => end.receivedBytes > receivedBytes);
    }
  }

  /** Waits for the accepted connection of this number, from 0 on. */
  async acceptedOne(index: number): Promise<End> {
    await this.until(`connection ${index + 1} is accepted`, () => this.accepted.length > index);
    const end = this.accepted[index];
    assert(end);
    return end;
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await this.#watch.until(what, condition, () => `${this.accepted.length} connections were accepted`);
  }

  requireNoViolations(): void {
    const violations = this.#ends.flatMap((end) => end.violations.map((violation) => `${end.name}: ${violation}`));
    assert.deepEqual(violations, [], 'rules of Connection (src/contracts/connection.ts) were broken');
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) await soon('the listener closes', listener.close());
    for (const end of this.#ends) end.abort(new SpokeError('CLOSED', 'the test is over'));
    for (const end of this.#ends) if (end.started) await end.untilClosed();
    await this.setup.close?.();
  }

  async #openElsewhere(): Promise<End> {
    const before = this.accepted.length;
    const listener = await this.listen({ data: (end, chunk) => void end.send(chunk.slice()) });
    const end = (await this.connect(listener)).start();
    await this.acceptedOne(before);
    // It is no part of the test.
    this.accepted.splice(before, 1);
    this.#listeners.unshift(...this.#listeners.splice(-1));
    return end;
  }

  async #pairOn(listener: Listener, reactions: Reactions): Promise<Pair> {
    const index = this.accepted.length;
    const client = await this.connect(listener, reactions);
    return { client, server: await this.acceptedOne(index), listener };
  }

  #end(connection: Connection, name: string, reactions: Reactions): End {
    const end = new End(connection, name, this.#watch, reactions);
    this.#ends.push(end);
    return end;
  }
}
