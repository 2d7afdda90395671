// The caller's side with all that extensions of the protocol add (docs/protocol.md#calls): deadlines, cancel, progress, streams.

import type { Message, Subscription } from '../client/index.js';
import { randomId } from '../client/index.js';
import type { HeadFields } from '../contracts/index.js';
import { SpokeError } from '../contracts/index.js';
import { Caller } from './caller.js';
import { callNumber, cancelChannel, moreChannel, partsPattern } from './channels.js';
import { PROGRESS_KEY, readPart, TIMEOUT_KEY, WINDOW_KEY } from './extras.js';
import { requireName } from './name.js';
import type { CallOptions, ProgressOptions, StreamOptions } from './options.js';
import { readReply } from './reply.js';
import { StreamReader } from './stream-reader.js';

const DEFAULT_WINDOW = 32;
const MAX_WINDOW = 10_000;

export class FullCaller extends Caller {
  // What begins so is a caller that understands what brokers say of its calls (docs/protocol.md#feature-calls).
  protected override readonly id: string = `-${randomId()}`;
  // What comes before results, by the number of the call.
  readonly #readers = new Map<number, (body: unknown) => void>();
  readonly #gaveUp = (channel: string, error: unknown): void => {
    this.#tell(cancelChannel(channel), error instanceof Error ? error.message : '');
  };
  #parts: Promise<Subscription | undefined> | undefined;
  #closed = false;

  override async call<R = unknown>(
    name: string,
    argument?: unknown,
    options: CallOptions & ProgressOptions = {},
  ): Promise<R> {
    const procedure = requireName('call', name);
    this.requireOpen();
    // A default is not told: heads of a channel and nothing else are read three times as fast, and a cancel ends it as well.
    const { timeout = Infinity, onProgress } = options;
    const head = headOf(timeout, onProgress && { [PROGRESS_KEY]: true });
    const reply =
      onProgress === undefined
        ? this.begin(procedure, argument, options, { head, gaveUp: this.#gaveUp })
        : this.#beginWithParts(procedure, argument, options, head, (body) => {
            const part = readPart(body);
            if (part?.kind === 'progress') onProgress(part.value);
          });
    // The one place where the type of a result is taken on trust: the caller named it.
    return readReply(procedure, await reply) as R;
  }

  /**
   * As `RpcService.stream`.
   * @param deadline - milliseconds that it may take altogether.
   */
  stream<T>(name: string, argument: unknown, options: StreamOptions = {}, deadline = Infinity): StreamReader<T> {
    const procedure = requireName('stream', name);
    const { window = DEFAULT_WINDOW, timeout = this.timeout, onProgress } = options;
    if (!(Number.isInteger(window) && window >= 1 && window <= MAX_WINDOW))
      throw new TypeError(`stream: the window must be a whole number from 1 to ${MAX_WINDOW}`);
    const head = headOf(deadline, { [WINDOW_KEY]: window, ...(onProgress && { [PROGRESS_KEY]: true }) });
    return new StreamReader<T>({
      procedure,
      window,
      clock: this.clock,
      signal: options.signal,
      onProgress,
      begin: async (reader, signal) => {
        this.requireOpen();
        const limits = { timeout: Math.min(timeout, deadline), signal };
        const part = (body: unknown) => reader.part(body);
        return this.#beginWithParts(procedure, argument, limits, head, part, (channel, untimed) => {
          reader.begun(untimed, (items) => this.#tell(moreChannel(channel), items));
        });
      },
    });
  }

  /** @throws {SpokeError} `CLOSED` */
  requireOpen(): void {
    if (this.#closed) throw new SpokeError('CLOSED', 'this RpcService was closed');
  }

  /** Gives up every call that waits. */
  async close(): Promise<void> {
    this.#closed = true;
    this.stopListening();
    this.fail(new SpokeError('CLOSED', 'this RpcService was closed'));
    for (const subscription of [this.results, this.#parts]) await (await subscription)?.unsubscribe();
  }

  async #beginWithParts(
    name: string,
    argument: unknown,
    options: CallOptions,
    head: HeadFields | undefined,
    part: (body: unknown) => void,
    begun?: (channel: string, untimed: () => void) => void,
  ): Promise<unknown> {
    this.#parts ??= this.listen(partsPattern(this.id), (message) => this.#part(message)).then((parts) => {
      if (parts === undefined) this.#parts = undefined;
      return parts;
    });
    let key = 0;
    try {
      return await this.begin(name, argument, options, {
        head,
        gaveUp: this.#gaveUp,
        begun: (number, channel, untimed) => {
          this.#readers.set((key = number), part);
          begun?.(channel, untimed);
        },
      });
    } finally {
      this.#readers.delete(key);
    }
  }

  #part({ channel, body }: Message): void {
    const part = this.#readers.get(callNumber(channel));
    if (part !== undefined) part(body);
    // A provider that did not hear that nobody listens any more.
    else this.#tell(cancelChannel(channel), 'nobody waits for it');
  }

  #tell(channel: string, body: unknown): void {
    // Without a connection it would come too late.
    if (this.client.state === 'connected') this.client.publish(channel, body).catch(() => {});
  }
}

function headOf(timeout: number, extras: HeadFields | undefined): HeadFields | undefined {
  if (timeout === Infinity) return extras;
  return { [TIMEOUT_KEY]: timeout / 1000, ...extras };
}
