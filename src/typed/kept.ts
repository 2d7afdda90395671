// Kept values by contract.

import type { ClearOptions, KeptEntry, KeptValue, SetOptions, WaitOptions } from '../client/index.js';
import { KeptValues } from '../client/index.js';
import type { ChannelAddress, ChannelSet } from './channel.js';
import { checkBody, isChannels } from './channel.js';
import { parse } from './check.js';

/** What is kept on a channel of a contract, without the body. */
export interface TypedKeptEntry<Params = unknown> extends KeptEntry {
  /** The variable parts of the channel. */
  readonly params: Params;
}

/** What is kept on a channel of a contract. */
export interface TypedKeptValue<Params = unknown, Body = unknown> extends KeptValue<Body> {
  /** The variable parts of the channel. */
  readonly params: Params;
}

/** `KeptValues` that take contracts as well. */
export class TypedKeptValues extends KeptValues {
  /** What is kept under a pattern, or on the channels of a contract: see `KeptValues.list`. */
  override list(pattern?: string, options?: WaitOptions): AsyncGenerator<KeptEntry, void, undefined>;
  override list<Params>(
    of: ChannelSet<Params>,
    options?: WaitOptions,
  ): AsyncGenerator<TypedKeptEntry<Params>, void, undefined>;
  override list(of: string | ChannelSet = '**', options?: WaitOptions): AsyncGenerator<KeptEntry, void, undefined> {
    return isChannels(of) ? this.#entries(of, options) : super.list(of, options);
  }

  /**
   * What is kept on a channel: see `KeptValues.get`.
   * @throws {SpokeError} also `VALIDATION`: what is kept there does not fit the contract.
   */
  override get<T = unknown>(channel: string, options?: WaitOptions): Promise<KeptValue<T> | undefined>;
  override get<Params, In, Out>(
    of: ChannelAddress<Params, In, Out>,
    options?: WaitOptions,
  ): Promise<TypedKeptValue<Params, Out> | undefined>;
  override async get(of: string | ChannelAddress, options?: WaitOptions): Promise<KeptValue | undefined> {
    if (!isChannels(of)) return super.get(of, options);
    const { channel, schema, path } = of;
    const value = await super.get(channel, options);
    if (value === undefined) return undefined;
    const body = parse(schema, value.body, { what: 'kept body', where: channel });
    const typed: TypedKeptValue = { ...value, body, params: path.read(value.channel) };
    return typed;
  }

  /**
   * Publishes a persistent message: see `client.publish`.
   * @throws {SpokeError} (as a rejection) also `VALIDATION`: the body does not fit the contract; it was not sent.
   */
  override set(channel: string, body?: unknown, options?: SetOptions): Promise<void>;
  override set<In>(to: ChannelAddress<unknown, In>, body: NoInfer<In>, options?: SetOptions): Promise<void>;
  override async set(to: string | ChannelAddress, body?: unknown, options?: SetOptions): Promise<void> {
    if (!isChannels(to)) return super.set(to, body, options);
    checkBody(to, body);
    return super.set(to.channel, body, options);
  }

  /** Clears what is kept under a pattern, or on the channels of a contract: see `KeptValues.clear`. */
  override async clear(pattern: string | ChannelSet, options?: ClearOptions): Promise<number> {
    return super.clear(isChannels(pattern) ? pattern.pattern : pattern, options);
  }

  async *#entries(
    { pattern, path }: ChannelSet,
    options: WaitOptions | undefined,
  ): AsyncGenerator<TypedKeptEntry, void, undefined> {
    for await (const entry of super.list(pattern, options)) yield { ...entry, params: path.read(entry.channel) };
  }
}
