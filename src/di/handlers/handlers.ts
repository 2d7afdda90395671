// All handlers of an application: started together, ended together.

import type { Subscription } from '../../client/index.js';
import type { Clock } from '../../contracts/index.js';
import { SpokeError, withCode } from '../../contracts/index.js';
import { systemClock } from '../../link/index.js';
import type { Client } from '../../node/index.js';
import type { Provider } from '../../rpc/index.js';
import type { TypedSubscription } from '../../typed/index.js';
import type { Handling } from './handling.js';
import { handlingsOf } from './handling.js';
import { Running } from './running.js';

export interface HandlersOptions {
  /** Milliseconds that closing waits for calls and messages that are being handled. Default 5,000. */
  readonly timeout?: number;
  readonly clock?: Clock;
}

type Providing = Extract<Handling, { kind: 'method' | 'service' }>;
type Subscribing = Exclude<Handling, Providing>;

const DEFAULT_TIMEOUT = 5000;
const FLUSH_TIMEOUT = 1000;

/**
 * What `TOKENS.Handler` is bound to, running on the client of the container: `await container.getAsync(Handlers)` starts it,
 * `container.unbindAllAsync()` ends it. Without a container: `new Handlers()`, `start`, `close`.
 */
export class Handlers implements AsyncDisposable {
  readonly #timeout: number;
  readonly #clock: Clock;
  readonly #running = new Running();
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #providers: string[] = [];
  readonly #patterns: string[] = [];
  #client: Client | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: HandlersOptions = {}) {
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT;
    this.#clock = options.clock ?? systemClock;
  }

  /** Names of the procedures that are provided. */
  get providers(): readonly string[] {
    return [...this.#providers];
  }

  /** Patterns that are subscribed to, in canonical form. */
  get patterns(): readonly string[] {
    return [...this.#patterns];
  }

  /** Calls and messages that are being handled now. */
  get running(): number {
    return this.#running.count;
  }

  /**
   * Provides and subscribes to what `objects` have been marked with. Resolves when the broker knows all of it. When a
   * part fails, the rest is ended.
   * @throws {TypeError} for an object that handles nothing, a method without `@provider`, and the like.
   * @throws {SpokeError} `DUPLICATE` for a procedure that two of them provide; `CLOSED`; the broker's code when it refuses
   *   and can say so (the text says which method it was about).
   */
  async start(client: Client, objects: readonly object[]): Promise<void> {
    return this.startHandlings(
      client,
      objects.flatMap((object) => handlingsOf(object)),
    );
  }

  /**
   * As `start`, of what another framework has found out.
   * @internal
   */
  async startHandlings(client: Client, handlings: readonly Handling[]): Promise<void> {
    if (this.#client !== undefined) throw new TypeError('Handlers.start: they were started already');
    this.#client = client;
    requireDistinct(handlings);
    const results = await Promise.allSettled(handlings.map((handling) => this.#startOne(client, handling)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined || this.#closed !== undefined) {
      await this.close();
      // What had not started yet when it was closed.
      await this.#stop();
      throw failed === undefined
        ? new SpokeError('CLOSED', 'the handlers were closed while they started')
        : failed.reason;
    }
  }

  /**
   * Takes no more calls and messages, waits for those that are being handled until their answers have left, and no longer
   * than `timeout`. The client goes on. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #startOne(client: Client, handling: Handling): Promise<void> {
    try {
      if (handling.kind === 'method' || handling.kind === 'service') {
        const made = await this.#provide(client, handling);
        this.#ends.push(() => made.close());
        this.#providers.push(...namesOf(handling));
      } else {
        const made = await this.#subscribe(client, handling);
        this.#ends.push(() => made.unsubscribe());
        this.#patterns.push(made.pattern);
      }
    } catch (error) {
      throw failure(`${handling.where} (${whatOf(handling)})`, error);
    }
  }

  async #subscribe(client: Client, handling: Subscribing): Promise<Subscription | TypedSubscription> {
    const { kind, to, run, options } = handling;
    if (kind === 'channels') return client.subscribe(to, this.#running.counted(run), options);
    return client.subscribe(to, this.#running.counted(run), options);
  }

  async #provide(client: Client, handling: Providing): Promise<Provider> {
    const { kind, run, options } = handling;
    if (kind === 'method') return client.provide(handling.name, this.#running.counted(run), options);
    const counted = Object.entries(run).map(([name, one]) => [name, this.#running.counted(one)] as const);
    return client.provide(handling.service, Object.fromEntries(counted), options);
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#ends.splice(0).map((end) => end()));
  }

  async #close(): Promise<void> {
    await this.#stop();
    if (this.#running.count === 0) return;
    let cancel = () => {};
    const late = new Promise<void>((resolve) => (cancel = this.#clock.setTimer(this.#timeout, resolve)));
    await Promise.race([this.#running.idle(), late]);
    cancel();
    // An answer is published just after its method has returned; when the broker has handled this, it has handled that.
    await this.#client?.flush({ timeout: FLUSH_TIMEOUT }).catch(() => {});
  }
}

function requireDistinct(handlings: readonly Handling[]): void {
  const known = new Map<string, string>();
  for (const handling of handlings) {
    const { where } = handling;
    for (const name of namesOf(handling)) {
      const other = known.get(name);
      if (other !== undefined) {
        const text = `${name} is provided by ${other} and by ${where}; a name is provided once in an application`;
        throw new SpokeError('DUPLICATE', text, { details: { procedure: name } });
      }
      known.set(name, where);
    }
  }
}

/** The procedures it provides. */
function namesOf(handling: Handling): readonly string[] {
  if (handling.kind === 'method') return [handling.name];
  if (handling.kind !== 'service') return [];
  return Object.keys(handling.run).map((name) => `${handling.service.prefix}/${name}`);
}

function whatOf(handling: Handling): string {
  if (handling.kind === 'method') return handling.name;
  if (handling.kind === 'service') return handling.service.prefix;
  return handling.kind === 'channels' ? handling.to.pattern : handling.to;
}

function failure(what: string, error: unknown): unknown {
  if (error instanceof SpokeError) {
    const { code, message, retryable, details } = error;
    return withCode(code, `cannot start ${what}: ${message}`, { cause: error, retryable, details });
  }
  if (error instanceof TypeError) return new TypeError(`cannot start ${what}: ${error.message}`, { cause: error });
  return error;
}
