// The provider's side: one provided procedure, its calls that run, and what callers say of them.

import type { BaseClient, Message } from '../client/index.js';
import { SpokeError } from '../contracts/index.js';
import { okay, sendReply } from './answer.js';
import { callBase, callPattern, controlPattern, readControl, resultChannel } from './channels.js';
import { amountOf } from './extras.js';
import type { Procedure, ProvideOptions } from './options.js';
import type { Reply } from './reply.js';
import { errorReply } from './reply.js';
import { BriefMap } from '../link/index.js';
import type { CallHost } from './running-call.js';
import { RunningCall } from './running-call.js';
import { isStream } from './stream-writer.js';

const DEFAULT_GROUP = 'default';

export class Answers {
  readonly #client: BaseClient;
  readonly #host: CallHost;
  readonly #name: string;
  readonly #procedure: Procedure<never, unknown>;
  readonly #options: ProvideOptions;
  // By what all channels of a call begin with.
  readonly #running = new BriefMap<RunningCall>();

  constructor(
    client: BaseClient,
    host: CallHost,
    name: string,
    procedure: Procedure<never, unknown>,
    options: ProvideOptions,
  ) {
    this.#client = client;
    this.#host = host;
    this.#name = name;
    this.#procedure = procedure;
    this.#options = options;
  }

  /** Begins to answer. Returns how to end that. */
  async open(): Promise<() => Promise<unknown>> {
    const { signal, group = DEFAULT_GROUP } = this.#options;
    const options = signal === undefined ? {} : { signal };
    const member = group === false ? options : { ...options, group, groupOptional: true };
    // Who may provide, and not hear what callers say of calls, provides as programs of other libraries do.
    const control = this.#client
      .subscribe(controlPattern(this.#name), (message) => this.#hear(message), options)
      .catch(() => undefined);
    const calls = await this.#client.subscribe(callPattern(this.#name), (message) => this.#take(message), member);
    const heard = await control;
    const unwatch = this.#client.on('state', (state) => {
      if (state === 'closed') this.#giveUp();
    });
    return async () => {
      await Promise.all([calls.unsubscribe(), heard?.unsubscribe()]);
      // What still runs may go on, as long as the client does.
      if (this.#running.size === 0) unwatch();
    };
  }

  // Nothing can be published any more.
  #giveUp(): void {
    const closed = new SpokeError('CLOSED', `${this.#name}: the client of its provider was closed`);
    for (const call of this.#running.values()) call.cancel(closed);
  }

  /** A client that closes waits for it: until it is answered, or nobody waits for that any more. */
  #take(message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      const call = new RunningCall(this.#host, this.#name, message, resolve);
      this.#answer(message, call).then(resolve, reject);
    });
  }

  async #answer(message: Message, call: RunningCall): Promise<void> {
    const base = callBase(message.channel);
    this.#running.set(base, call);
    let reply: Reply;
    try {
      // The argument comes from the network; the provider's declared type is its own promise about its callers.
      const result: unknown = await this.#procedure(message.body as never, call);
      reply = isStream(result) ? await call.replyOf(result) : okay(result);
    } catch (error) {
      reply = errorReply(error, this.#options.stack);
    } finally {
      call.end();
      if (this.#running.get(base) === call) this.#running.delete(base);
    }
    if (!call.cancelled) await sendReply(this.#client, resultChannel(message.channel), reply);
  }

  #hear({ channel, body }: Message): void {
    const { base, what } = readControl(channel);
    const call = this.#running.get(base);
    if (what === 'more') call?.more(amountOf(body) ?? 0);
    if (what !== 'cancel') return;
    const why = typeof body === 'string' ? `: ${body}` : '';
    call?.cancel(new SpokeError('ABORTED', `${this.#name}: the caller gave up${why}`));
  }
}
